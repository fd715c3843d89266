"""Clients whose connections are cut, and which repeat their requests."""

import asyncio
import random
from contextlib import suppress

from e2e.sync_clients import SyncClient


class CutClient(SyncClient):
    """Sends each request until it gets the whole response. Most connections are cut before."""

    def __init__(self, port, tokens, cuts):
        super().__init__(port, tokens, [])
        self.cuts = cuts

    async def exchange(self, request):
        """Send all or some bytes, read all or some bytes of the response, and reset the connection."""
        await self.end()
        while random.random() < 0.7:
            await self.cut(request)
        return await super().exchange(request)

    async def cut(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        is_whole = random.random() < 0.8
        writer.write(request if is_whole else request[: random.randrange(len(request))])
        if is_whole:
            try:
                await asyncio.wait_for(reader.read(random.randrange(1, 400)), random.choice([0, 0.01, 0.05, 5]))
                self.cuts["in the response"] += 1
            except TimeoutError:
                self.cuts["before the response"] += 1
        else:
            self.cuts["in the request"] += 1
        writer.transport.abort() if random.random() < 0.5 else writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def create_with_cuts(port, tokens, keys, cuts):
    """Create a task for each key, one by one or in arrays. Return the ids by key."""
    made, waiting = {}, list(keys)

    async def client():
        client = CutClient(port, tokens, cuts)
        while waiting:
            batch = [waiting.pop() for _ in range(min(random.choice([1, 1, 1, 10]), len(waiting)))]
            tasks = [{"title": "Once", "client_id": key} for key in batch]
            if len(tasks) == 1:
                _, task = await client.send("carol", "", "POST", "", {"title": "Once"}, Idempotency_Key=batch[0])
                made[batch[0]] = task["id"]
            else:
                _, created = await client.send("carol", "", "POST", "", tasks)
                made.update(zip(batch, [task["id"] for task in created], strict=True))
        await client.end()

    await asyncio.gather(*(client() for _ in range(8)))
    return made
