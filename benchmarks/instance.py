"""Give an instance of podpy's own beside the real one, with its command and the busybox image."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.paths import Paths
from tests.fixtures import images, traces
from tests.fixtures.command import Podpy
from tools import write_launcher

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def opened(name: str) -> Iterator[tuple[Podpy, str]]:
    """Yield the command and an empty directory; whatever is left of both is removed at the end."""
    root = tempfile.mkdtemp(prefix=f"podpy-{name}-", dir="/var/tmp")
    tree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    write_launcher.write(f"{root}/podpy", tree)
    instance = f"pp-t-{os.getpid():06x}"
    home = f"{root}/home"
    os.makedirs(f"{root}/image")
    os.makedirs(home)
    paths = Paths(
        state_dir=f"{home}/lib", run_dir=f"{home}/run", log_dir=f"{home}/log", instance=instance
    )
    podpy = Podpy(f"{root}/podpy", home, paths)
    try:
        podpy.load(images.write_busybox(Path(f"{root}/image")))
        yield podpy, root
    finally:
        podpy.stop_started()
        traces.remove_instance(instance, home)
        shutil.rmtree(root, ignore_errors=True)
