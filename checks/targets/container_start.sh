# The first process of a disposable container: hands PostgreSQL what it needs, runs the image's own entrypoint, and
# starts the server again when it is told to restart, so that its data, which is in memory, outlives that.
# The signals: USR1 an immediate shutdown, USR2 a fast one, ALRM a smart one, HUP a kill, each with a new start.
# WINCH says that the new one is there, so that its own end will be the end.
command -v postgres >/dev/null || { echo 'pgrunbook: no program `postgres` is on the PATH of this image' >&2; exit 90; }
mkdir -m 700 /dev/shm/pgrunbook && (umask 077 && cp /pgrunbook/* /dev/shm/pgrunbook/) || exit 91
if [ "$(id -u)" = 0 ]; then chown -R postgres /dev/shm/pgrunbook || exit 91; fi
server= again=
trap 'again=10; kill -QUIT $server' USR1
trap 'again=10; kill -INT $server' USR2
trap 'again=10; kill -TERM $server' ALRM
trap 'again=10; kill -KILL $server' HUP
trap 'again=' WINCH
trap 'again=; kill -QUIT $server' INT TERM
while :; do
    "$@" & server=$!
    wait $server; status=$?
    while kill -0 $server 2>/dev/null; do wait $server; status=$?; done
    # A killed server's children take a moment to notice, and until then keep a new one from starting.
    case "$again" in
        '' | 0) exit $status ;;
        10) again=9 ;;
        *) sleep 0.1; again=$((again - 1)) ;;
    esac
done
