"""A thread that runs while a `with` block runs."""

import threading


class Background(threading.Thread):
    """Starts with the block. `run` returns when `ended` is set, at the end of the block, which waits for it."""

    def __init__(self):
        super().__init__()
        self.ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self.join()
