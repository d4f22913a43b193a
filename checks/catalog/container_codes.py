"""What every `container.…` code means: the reasons for which a container could not be had, or answers no more."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CONTAINER_CODES: Mapping[str, Code] = {
    "container.no_library": Code(
        "The Python libraries that speak with a Docker engine are not installed.",
        "Nothing was started. They are an extra, since the embedded PostgreSQL needs none of them.",
        "`pip install 'pgrunbook[container]'`.",
    ),
    "container.no_engine": Code(
        "No Docker engine answers: there is none, it is not running, or DOCKER_HOST points elsewhere.",
        "No container was started, and no compose service could be found.",
        "`docker version` shows what it would reach; `sudo systemctl start docker` starts it. Without an engine, leave "
        "`--on container` out: the embedded PostgreSQL gives the same verdicts; and give an environment a `url` in "
        "place of `compose`.",
    ),
    "container.engine_denied": Code(
        "There is an engine, and this user may not use its socket.",
        "Nothing was started.",
        "`sudo usermod -aG docker $USER` and log in again, which makes this user as mighty as root on the machine; or "
        "set up a rootless engine.",
    ),
    "container.engine_silent": Code(
        "The engine takes connections and does not answer in time.",
        "It hangs or is overloaded; what it was asked to do may or may not have been done.",
        "See whether `docker ps` answers and what `journalctl -u docker` says; restart the engine.",
    ),
    "container.engine_lost": Code(
        "The engine answered, and stopped doing so half-way.",
        "It was stopped, restarted or upgraded, and containers usually end with it.",
        "Start it and run again; what was left behind is removed by that run.",
    ),
    "container.engine_refused": Code(
        "The engine refused what it was asked, for the reason that the sentence repeats.",
        "There is no server to ask.",
        "Try the same with the `docker` command, and look into the engine's log.",
    ),
    "container.image_unknown": Code(
        "The image is not here, and its registry knows no such image, or gives it only to those who log in.",
        "Nothing was started. A misspelt name looks the same as a private one.",
        "Correct the name in `--image`, in `image:` or in PGRUNBOOK_POSTGRES_IMAGE; or `docker login` and pull it.",
    ),
    "container.image_unreachable": Code(
        "The image is not here, and its registry cannot be reached.",
        "Nothing was started. Machines without a way to a registry need the image brought to them.",
        "`docker save IMAGE | gzip >image.tar.gz` where there is a way, `docker load <image.tar.gz` here; or name an "
        "image that `invoke doctor` lists.",
    ),
    "container.not_postgres": Code(
        "The image has no program `postgres`, or no shell to start it with.",
        "It is an image of something else, or one that is made in another way than the official one.",
        "Name an image that is made from the official one, such as `postgres:17-alpine` or `postgis/postgis`.",
    ),
    "container.architecture": Code(
        "The image is built for another processor than the engine's, and the engine cannot run it.",
        "Nothing was started.",
        "Pull the image for this platform, or have the engine emulate the other: "
        "`docker run --privileged tonistiigi/binfmt --install all`.",
    ),
    "container.port_taken": Code(
        "Every port that was tried for the server was taken by the time the engine published it.",
        "Nothing was started.",
        "Run again. If it lasts, see with `ss -ltn` whether something takes all free ports.",
    ),
    "container.died": Code(
        "The container ended by itself; the sentence repeats the last lines of its log.",
        "At the start a setting of the page is the usual cause; later, a crash or somebody who killed it.",
        "Read the lines; correct `server:` in the front matter, or see who ends containers on this engine.",
    ),
    "container.not_ready": Code(
        "The container runs, and the server in it answered no query in time.",
        "The machine is overloaded, or the image does more at its start than most; the log's last lines say what.",
        "Run again; try `docker run` with the image, and follow `docker logs`.",
    ),
    "container.disk_full": Code(
        "There was no room: the engine's disk is full, or the memory that holds the server's data.",
        "The server could not write, so what the checks would have found is not what the page speaks of.",
        "`docker system df` and `docker system prune`; load fewer rows with `--rows`.",
    ),
    "container.out_of_memory": Code(
        "The container's processes were killed because it had used all the memory it may have.",
        "The server lost sessions, or its life, in the middle of something.",
        "Lower `shared_buffers` and `work_mem` under `server:`, load fewer rows with `--rows`, or allow more.",
    ),
    "container.paused": Code(
        "Somebody paused the container. It was removed, since nobody waits on a paused server for ever.",
        "A paused server keeps connections open and answers none.",
        "See who runs `docker pause` here, and run again.",
    ),
    "container.disconnected": Code(
        "The container lost its network while the run was using it.",
        "No answer could arrive any more.",
        "See who changes the networks of this engine, and run again.",
    ),
    "container.gone": Code(
        "The container was removed by somebody else while the run was using it.",
        "Scripts that clean up all containers of a machine do that.",
        "Leave containers that are labelled `pgrunbook.owner` alone, and run again.",
    ),
}
