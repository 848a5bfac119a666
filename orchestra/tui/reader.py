"""A recorded run that is still being read: a million events take longer than a person waits for
the first frame. It stands where a replay will stand, as soon as all has come.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ..events import Event, RunFinished
from .replay import Replay


class Reader:
    """Reads in a thread of its own.

    Attributes:
        replay: what is to be played, once all of it is there.
        error: why the rest cannot be read.
    """

    over = False

    def __init__(
        self, begun: Sequence[Event], rest: Iterator[Event], share: Callable[[], float]
    ) -> None:
        self.events: deque[Event] = deque()  # nothing happens meanwhile
        self.replay: Replay | None = None
        self.error: BaseException | None = None
        self.share = share
        self._begun, self._rest = begun, rest
        self._left = False

    def start(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def stop(self) -> bool:
        self._left = True
        return True

    def last(self) -> RunFinished | None:
        return None

    def _read(self) -> None:
        recorded = [*self._begun]
        try:
            for event in self._rest:
                recorded.append(event)
                if self._left:
                    return
        except BaseException as error:  # noqa: BLE001 - whoever shows the run is told
            self.error = error
        else:
            self.replay = Replay(recorded)
