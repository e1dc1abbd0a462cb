"""What both sides run: manifests of many pods, the image they run, a large layer to pull."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from benchmarks import room
from tools import demo_images, demo_recipes, oci_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.oci_layout import Member

IMAGE = "localhost/podpy-bench/busybox:1"
FIRST_PORTS = {"podman": 20000, "podpy": 30000}
"""Of each side its own: their pods run at the same time, and conmon listens on Podman's."""
REGISTRY = "127.0.0.1:5000"
BULKY = f"{REGISTRY}/bulky:1"
# PID 1 gets no signal it does not ask for; without the trap every stop would take its full grace.
WAIT = "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"

POD = """\
---
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  labels: {{app: bench, number: "{number}"}}
spec:
  containers:
    - name: front
      image: {image}
      command: [sh, -c, "{wait}"]
      ports:
        - {{containerPort: 80, hostPort: {port}}}
    - name: side
      image: {image}
      command: [sh, -c, "{wait}"]
      env:
        - {{name: NUMBER, value: "{number}"}}
"""
DOCUMENT = """\
---
apiVersion: v1
kind: Pod
metadata:
  name: doc-{number}
  namespace: bench
  labels: {{app: doc, tier: "{number}"}}
  annotations: {{example.org/owner: somebody, example.org/purpose: "to be read {number} times"}}
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - name: main
      image: registry.example.org/team/service:1.{number}
      command: [/bin/service, --listen, ":8080"]
      env:
        - {{name: LOG_LEVEL, value: info}}
        - name: TOKEN
          valueFrom: {{secretKeyRef: {{name: service, key: token}}}}
      ports:
        - {{name: http, containerPort: 8080}}
      resources:
        requests: {{cpu: 50m, memory: 64Mi}}
        limits: {{cpu: 500m, memory: 256Mi}}
      volumeMounts:
        - {{name: settings, mountPath: /etc/service, readOnly: true}}
        - {{name: scratch, mountPath: /tmp}}
  volumes:
    - name: settings
      configMap: {{name: service}}
    - name: scratch
      emptyDir: {{}}
"""


def pods(count: int, side: str) -> str:
    """Write the manifest of `count` two-container pods of one side; return its path."""
    path = f"{room.WORK}/{side}-pods-{count}.yaml"
    with open(path, "w", encoding="utf-8") as file:
        for number in range(count):
            name, port = pod_name(count, number), FIRST_PORTS[side] + number
            file.write(POD.format(name=name, number=number, port=port, image=IMAGE, wait=WAIT))
    return path


def pod_name(count: int, number: int) -> str:
    return f"bench-{count}-{number}"


def documents(count: int) -> str:
    """Write `count` ordinary documents, 0.9 MB a thousand, to be read and not run."""
    path = f"{room.WORK}/documents.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(DOCUMENT.format(number=number) for number in range(count))
    return path


def busybox() -> str:
    """Write the image of the pods as an OCI layout; return the name to pull it by."""
    layout = f"{room.WORK}/busybox"
    recipe = demo_recipes.RECIPES["busybox"]
    layers = [demo_images.layer(recipe, room.WORK)]
    oci_layout.write_image(layout, IMAGE, layers, recipe.config)
    return f"oci:{layout}:{IMAGE}"


def bulky(megabytes: int) -> str:
    """Write an image whose one layer has that size packed, in many files; return its source."""
    layout = f"{room.WORK}/bulky"
    oci_layout.write_image(layout, BULKY, [_files(megabytes)], {"Cmd": ["/none"]})
    return f"oci:{layout}:{BULKY}"


def _files(megabytes: int) -> Iterator[Member]:
    """Yield files as distributions have them: many small, a few large, about 3:1 to pack."""
    dice = random.Random(1)
    left = megabytes << 20
    number = 0
    while left > 0:
        if number % 100 == 0:
            yield oci_layout.directory(f"files/{number // 100}")
        packed = min(left, 1 << 20 if number % 60 == 0 else dice.randrange(1 << 9, 1 << 14))
        text = dice.randbytes(packed) + b"a line that packs well\n" * (packed // 11)
        yield oci_layout.file(f"files/{number // 100}/{number}", text)
        left -= packed
        number += 1


def registry_config() -> str:
    """Write the configuration of a registry that serves from WORK; return its path."""
    path = f"{room.WORK}/registry.yml"
    folder = f"{room.WORK}/registry"
    os.makedirs(folder, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            "version: 0.1\nlog: {level: error}\nstorage:\n  filesystem:\n"
            f"    rootdirectory: {folder}\nhttp:\n  addr: {REGISTRY}\n"
        )
    return path
