"""Unpack an image's layers while they come from its registry, a few at once.

    manifest's layers, diff ids -> every layer in the store, verified

Called by runtime.image.pull. Nothing lies on the disk in between: skopeo's pipe, a thread that
decompresses and hashes, the unpacker (runtime.image.proxy, blob, unpack). A transfer that breaks
off is begun again, twice, after a pause; whatever fails ends the other layers' transfers, too.
"""

from __future__ import annotations

import contextlib
import threading

from manifests.faults import Invalid, Retry, TimedOut
from manifests.value import Value
from runtime import interrupts
from runtime.image import layers, manifest
from runtime.image.proxy import Proxy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self, TypeVar

    from runtime.image.blob import Source
    from runtime.image.manifest import Layer
    from runtime.image.skopeo import Command
    from runtime.image.store import Store

    T = TypeVar("T")

WIDTH = 3
"""Layers that come at once: one keeps more than a core busy, others wait for the registry."""


class Registry(Value):
    """Where blobs come from: skopeo's words, and what messages call the image."""

    command: Command
    about: str


class Wanted(Value):
    """A layer to have of the image `source` (docker://...), and what should be in it."""

    source: str
    layer: Layer
    diff_id: str


class Line:
    """One connection to the registry, made when it is needed; a context manager that ends it."""

    def __init__(self, registry: Registry, tell: Callable[[int], None]) -> None:
        self._registry = registry
        self._tell = tell
        self._proxy: Proxy | None = None
        self._cut = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._drop()

    def cut(self) -> None:
        """End it for good, from another thread."""
        self._cut.set()
        if (proxy := self._proxy) is not None:
            proxy.cancel()

    def another(self) -> Line:
        """Return one more line to the same registry."""
        return Line(self._registry, self._tell)

    def connect(self) -> None:
        """Start skopeo already: it gets ready while something else is waited for."""
        if self._proxy is None:
            self._proxy = Proxy(self._registry.command, self._registry.about)

    def configuration(self, source: str, found: manifest.Manifest) -> bytes:
        """Return the configuration of the image `source`, verified."""
        about = f'image "{self._registry.about}"'
        if found.config_size > manifest.LARGEST:
            raise Invalid(f"{about}: its configuration has {found.config_size} bytes")
        raw = self.persistently(lambda: self._bytes(source, found.config, found.config_size))
        if manifest.digest_of(raw) != found.config:
            raise Invalid(f"{about}: its configuration is not {found.config}: corrupted or forged")
        return raw

    def have(self, store: Store, wanted: Wanted, wrote: Callable[[int], None]) -> None:
        """Have one layer in the store."""
        layer = wanted.layer
        self.persistently(
            lambda: layers.ensure(
                store,
                lambda: self._blob(wanted.source, layer.digest, layer.size),
                layer.digest,
                wanted.diff_id,
                wrote,
            )
        )

    def persistently(self, attempt: Callable[[], T]) -> T:
        """Try, on a connection made anew, what a transfer that broke off has failed."""
        for pause in self._registry.command.options.pauses:
            try:
                return attempt()
            except TimedOut:
                raise
            except Retry:
                self._drop()
                if self._cut.wait(pause):
                    raise
                interrupts.check()
        return attempt()

    def _bytes(self, source: str, digest: str, size: int) -> bytes:
        with self._blob(source, digest, size) as blob:
            parts = []
            while data := blob.read(size + 1):
                parts.append(data)
        return b"".join(parts)

    @contextlib.contextmanager
    def _blob(self, source: str, digest: str, size: int) -> Iterator[Source]:
        come = 0

        def tell(count: int) -> None:
            nonlocal come
            come += count
            self._tell(count)

        self.connect()
        proxy = self._proxy
        assert proxy is not None  # noqa: S101
        if self._cut.is_set():
            raise Retry("another layer has failed")
        try:
            with proxy.blob(source, digest, size, tell) as blob:
                yield blob
        except BaseException:
            self._tell(-come)
            self._drop()
            raise

    def _drop(self) -> None:
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            proxy.close()


def fetch(
    store: Store,
    first: Line,
    wanted: tuple[Wanted, ...],
    wrote: Callable[[int], None],
) -> None:
    """Have all these layers in the store; the `first` line is joined by others where that helps."""
    # A builder's empty layers repeat; the largest ones first, so that none comes last alone.
    distinct = {(each.layer.digest, each.diff_id): each for each in wanted}
    todo = sorted(distinct.values(), key=lambda each: each.layer.size)
    missing = sum(not layers.is_known(store, each.layer) for each in todo)
    with contextlib.ExitStack() as stack:
        lines = [
            first,
            *(stack.enter_context(first.another()) for _ in range(min(WIDTH, missing) - 1)),
        ]
        crew = _Crew(store, lines, todo, wrote)
        crew.work()


class _Crew:
    """Threads that take one layer after another, each on its line."""

    def __init__(
        self,
        store: Store,
        lines: list[Line],
        todo: list[Wanted],
        wrote: Callable[[int], None],
    ) -> None:
        self._store, self._lines, self._todo, self._wrote = store, lines, todo, wrote
        self._failures: list[Exception] = []

    def work(self) -> None:
        """Return when all is done; raises what failed first."""
        threads = [
            threading.Thread(target=self._take, args=(line,), name="fetch", daemon=True)
            for line in self._lines[1:]
        ]
        for thread in threads:
            thread.start()
        try:
            self._take(self._lines[0])
            for thread in threads:
                thread.join()
        finally:
            if any(thread.is_alive() for thread in threads):
                self._cut()
            for thread in threads:
                thread.join()
        if self._failures:
            raise self._failures[0]

    def _take(self, line: Line) -> None:
        # skopeo dies with the thread that starts it, so each thread's line ends with its thread.
        with line:
            while not self._failures:
                try:
                    wanted = self._todo.pop()
                except IndexError:
                    return
                try:
                    line.have(self._store, wanted, self._wrote)
                except Exception as error:  # noqa: BLE001  raised by `work`, in its caller's thread
                    self._failures.append(error)
                    self._cut()

    def _cut(self) -> None:
        for line in self._lines:
            line.cut()
