"""What goes into each demo image: packages, user, own files and the image's configuration. Data.

All servers run as an ordinary user, log to standard output, and take their settings from the
environment or from mounted files, as images from a registry do.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL = (
    "sh", "cat", "ls", "echo", "printf", "sleep", "test", "[", "true", "false", "id", "ps", "env",
    "grep", "sed", "cut", "head", "tail", "wc", "sort", "mkdir", "rm", "mv", "cp", "chmod", "chown",
    "stat", "date", "hostname", "mount", "df", "nc", "wget", "ip", "nslookup", "kill", "seq", "tr",
    "awk", "find", "expr", "basename", "dirname", "touch", "ln", "readlink", "sync", "vi", "more",
)  # fmt: skip


class Recipe(NamedTuple):
    """One image. `applets` are busybox's; empty means all of them."""

    name: str
    packages: tuple[str, ...] = ()
    applets: tuple[str, ...] = SHELL
    user: str = ""
    uid: int = 0
    home: str = "/root"
    files: Mapping[str, str] = MappingProxyType({})
    config: Mapping[str, Any] = MappingProxyType({})

    @property
    def reference(self) -> str:
        return f"localhost/podpy-demo/{self.name}:1"


NGINX_CONF = """\
# Unprivileged: port 8080, temporary files in /tmp. Sites are read from /etc/nginx/conf.d.
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
    include /etc/nginx/mime.types;
    access_log /dev/stdout;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    include /etc/nginx/conf.d/*.conf;
}
"""

NGINX_SITE = """\
server {
    listen 8080;
    root /usr/share/nginx/html;
    location = /healthz { return 200 "ok\\n"; }
}
"""

REDIS_START = """\
#!/bin/sh
# Start redis-server with the words given; the password comes from REDIS_PASSWORD and goes in by
# standard input, where `ps` does not show it.
[ "$1" = redis-server ] || exec "$@"
if [ -n "$REDIS_PASSWORD" ]; then
    exec "$@" - <<EOF
requirepass $REDIS_PASSWORD
EOF
fi
exec "$@" --protected-mode no
"""

REDIS_CONF = """\
bind 0.0.0.0
dir /data
appendonly yes
appendfsync everysec
"""

POSTGRES_START = """\
#!/bin/sh
# Make the database in PGDATA when there is none yet, then run the server.
set -e
# Debian keeps the server's programs in a folder named after the major version.
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
export PATH
[ "$1" = postgres ] || exec "$@"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?set it, best from a Secret}"
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    umask 077
    printf '%s\\n' "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username="${POSTGRES_USER:-postgres}" --pwfile=/tmp/password --auth=scram-sha-256 \\
        --encoding=UTF8 --locale=C.UTF-8 --pgdata="$PGDATA"
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp -c jit=off
"""

POSTGRES_CLIENT = """\
#!/bin/sh
exec /usr/lib/postgresql/*/bin/psql "$@"
"""

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="busybox",
            applets=(),
            config={"Env": [PATH], "Cmd": ["sh"]},
        ),
        Recipe(
            name="nginx",
            packages=("nginx",),
            user="nginx",
            uid=101,
            home="/var/lib/nginx",
            files={
                "/etc/nginx/nginx.conf": NGINX_CONF,
                "/etc/nginx/conf.d/default.conf": NGINX_SITE,
                "/usr/share/nginx/html/index.html": "<!doctype html><title>it works</title>\n",
            },
            config={
                "User": "101:101",
                "Env": [PATH],
                "Entrypoint": ["/usr/sbin/nginx"],
                "Cmd": ["-g", "daemon off;"],
                "ExposedPorts": {"8080/tcp": {}},
                "StopSignal": "SIGQUIT",
            },
        ),
        Recipe(
            name="redis",
            packages=("redis-server", "redis-tools"),
            user="redis",
            uid=999,
            home="/data",
            files={"/etc/redis/redis.conf": REDIS_CONF, "/usr/local/bin/start-redis": REDIS_START},
            config={
                "User": "999:999",
                "Env": [PATH],
                "Entrypoint": ["/usr/local/bin/start-redis"],
                "Cmd": ["redis-server", "/etc/redis/redis.conf"],
                "ExposedPorts": {"6379/tcp": {}},
                "Volumes": {"/data": {}},
                "WorkingDir": "/data",
            },
        ),
        Recipe(
            name="postgres",
            packages=("postgresql", "libc-bin", "tzdata"),
            user="postgres",
            uid=999,
            home="/var/lib/postgresql",
            files={
                "/usr/local/bin/start-postgres": POSTGRES_START,
                "/usr/local/bin/psql": POSTGRES_CLIENT,
            },
            config={
                "User": "999:999",
                "Env": [PATH, "PGDATA=/var/lib/postgresql/data", "LANG=C.UTF-8"],
                "Entrypoint": ["/usr/local/bin/start-postgres"],
                "Cmd": ["postgres"],
                "ExposedPorts": {"5432/tcp": {}},
                "Volumes": {"/var/lib/postgresql": {}},
                "StopSignal": "SIGINT",  # "fast": clients are cut off, the data is written
            },
        ),
    )
}
