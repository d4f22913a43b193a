#!/bin/bash
# Build the images the container tests run on, from this machine's own Debian packages: no registry is asked.
#
#   pgrunbook-test-postgres:MAJOR   Debian's PostgreSQL with an entrypoint that knows the official image's variables
#   pgrunbook-test-postgres:17      the same system with the PostgreSQL of the wheel, where Debian's is another major
#
# An image is labelled with the hash of what it was made from, and made again only when that changes. Needs root, Debian,
# mmdebstrap and a running engine. The wheel's binaries are found by the Python that is named as the only argument.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=pgrunbook-test-postgres
python=${1:-python3}

major=$(apt-cache show postgresql | sed -n 's/^Version: \([0-9]*\).*/\1/p' | head -n 1)
version=$(apt-cache policy "postgresql-$major" | sed -n 's/^ *Candidate: //p')
release=$(. /etc/os-release && echo "$VERSION_CODENAME")

is_made_of() { # TAG RECIPE
    [ "$(docker image inspect --format '{{index .Config.Labels "pgrunbook.recipe"}}' "$name:$1" 2>/dev/null)" = "$2" ]
}

recipe() { # MORE…
    { cat "$here/build.sh" "$here/entrypoint.sh"; echo "$release" "$@"; } | sha256sum | cut -c 1-16
}

changes() { # MAJOR BIN RECIPE
    printf '%s\n' \
        'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]' 'EXPOSE 5432' \
        "ENV PATH=$2:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        "ENV PG_MAJOR=$1" 'ENV PGDATA=/var/lib/postgresql/data' 'ENV LANG=C.UTF-8' 'VOLUME /var/lib/postgresql/data' \
        'HEALTHCHECK --interval=10s --timeout=5s --retries=5 CMD ["pg_isready", "--quiet"]' \
        "LABEL pgrunbook.recipe=$3"
}

change_options() {
    options=()
    while IFS= read -r line; do
        options+=(--change "$line")
    done < <(changes "$@")
}

debian() {
    local made_of sources=()
    made_of=$(recipe "$version")
    if is_made_of "$major" "$made_of"; then return; fi
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/{debian,ubuntu}.sources; do
        if grep -qs '^[^#]' "$file"; then
            sources+=("$file")
        fi
    done
    change_options "$major" "/usr/lib/postgresql/$major/bin" "$made_of"
    # In a session of its own: when it fails it ends its whole process group.
    setsid --wait mmdebstrap --quiet --mode=root --variant=essential --format=tar --include="postgresql-$major" \
        --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --essential-hook='mkdir -p "$1/etc/postgresql-common"' \
        --essential-hook='echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
        --customize-hook="upload '$here/entrypoint.sh' /usr/local/bin/docker-entrypoint.sh" \
        --customize-hook='chmod 755 "$1/usr/local/bin/docker-entrypoint.sh"' \
        --customize-hook='chroot "$1" install -d -m 1777 -o postgres -g postgres /var/lib/postgresql/data' \
        "$release" - "${sources[@]}" | docker import "${options[@]}" - "$name:$major" >/dev/null
}

wheel() {
    local folder found made_of container
    folder=$("$python" -c 'from checks.targets.binaries import wheel_folder as w; print(w().parent if w() else "")')
    [ -n "$folder" ] || return 0
    found=$("$folder/bin/postgres" --version | sed -n 's/.* \([0-9]*\)\..*/\1/p')
    [ "$found" != "$major" ] || return 0
    made_of=$(recipe "$version" "$("$folder/bin/postgres" --version)")
    if is_made_of "$found" "$made_of"; then return; fi
    change_options "$found" /opt/postgresql/bin "$made_of"
    container=$(docker create "$name:$major")
    docker cp --quiet "$folder" "$container:/opt/postgresql"
    docker commit "${options[@]}" "$container" "$name:$found" >/dev/null
    docker rm --volumes "$container" >/dev/null
}

debian
wheel
docker image ls --quiet --filter dangling=true --filter label=pgrunbook.recipe | xargs --no-run-if-empty docker image rm >/dev/null
docker image ls --format '{{.Repository}}:{{.Tag}}' "$name"
