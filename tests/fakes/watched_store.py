"""The real store, in which a test can do something as if it came from others or from a failing disk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reply_desktop.adapters.store.database import SqliteStore
from reply_desktop.adapters.store.unit_of_work import SqliteUnitOfWork


class WatchedStore(SqliteStore):
    """A real store, with something done before each unit of work that writes."""

    before_write: Callable[[], None] = staticmethod(lambda: None)

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[SqliteUnitOfWork]:
        """As the real one."""
        self.before_write()
        with super().begin(durable=durable) as unit:
            yield unit
