"""Manifests and commands that several tests of the virtual machine use."""

from __future__ import annotations

from tests.fixtures import images

IMAGE = images.BUSYBOX

# Emulated, in the company of other tests: a pod may take its time, but no command may hang.
FETCH = "curl -fsS --max-time 60 --retry 30 --retry-all-errors --retry-delay 1"
SERVED = f"{FETCH} http://127.0.0.1:8080/"

WEB = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: {IMAGE}
    command: [sh, -c, "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www"]
    ports: [{{containerPort: 80, hostPort: 8080}}]
"""

AGENT = """
podpy agent --unit >/etc/systemd/system/podpy-agent.service
systemctl daemon-reload
systemctl enable --now podpy-agent
"""
# An ssh server that lets root of this machine in.
KEYS = """
mkdir -p /root/.ssh
test -e /root/.ssh/id_ed25519 || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
systemctl start ssh
"""

# As docs/podman.md has it.
UNIT = """\
[Service]
Type=notify
ExecStart=podpy kube play --replace --service-container=true /etc/web.yaml
ExecStop=podpy kube down /etc/web.yaml

[Install]
WantedBy=multi-user.target
"""


def asked(address: str, path: str = "/") -> str:
    """Return a shell command for inside a container: print what a web server there answers.

    busybox's own wget asks libc for addresses, and dies of that in an image without libc.
    """
    return f"printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' | nc -w 10 {address} 80"


def sleeper(name: str, security: str = "{}") -> str:
    """Return a pod that only sleeps; `security` is its container's securityContext."""
    return f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {IMAGE}
    command: [sleep, "100000"]
    securityContext: {security}
"""
