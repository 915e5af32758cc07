import asyncio

import pytest

pytest.importorskip("phos_app", reason="needs phos-app")
from phos_app.line import Line, Place, Superseded, Urgency


def served_in_order(*wanted):
    """What is served in which order, while the first holds the enlarger."""

    async def run():
        line, order, opened = Line(), [], asyncio.Event()

        async def take(name, place):
            try:
                async with line.served(place):
                    if name == "first":
                        await opened.wait()
                    order.append(name)
            except Superseded:
                order.append(f"not {name}")

        tasks = [asyncio.create_task(take("first", Place(Urgency.VIEW)))]
        await asyncio.sleep(0)
        for name, how in wanted:
            tasks.append(asyncio.create_task(take(name, Place(*how))))
            await asyncio.sleep(0)
        opened.set()
        await asyncio.gather(*tasks)
        assert len(line) == 0
        return order

    return asyncio.run(run())


def test_the_most_urgent_goes_first_and_of_two_alike_who_came_first():
    wanted = [("job", (Urgency.JOB,)), ("stamp", (Urgency.STAMP,)), ("view", (Urgency.VIEW,))]
    wanted += [("second view", (Urgency.VIEW,))]
    assert served_in_order(*wanted) == ["first", "view", "second view", "stamp", "job"]


def test_of_one_key_the_greatest_turn_alone_is_served():
    key = (Urgency.VIEW, "lane")
    wanted = [("old", (*key, 1)), ("new", (*key, 3)), ("late", (*key, 2)), ("else", key[:1])]
    assert served_in_order(*wanted) == ["not old", "not late", "first", "new", "else"]


def test_who_goes_away_while_waiting_is_not_served():
    async def run():
        line = Line()
        async with line.served(Place(Urgency.JOB)):
            gone = asyncio.create_task(enter(line, Place(Urgency.VIEW)))
            await asyncio.sleep(0)
            assert len(line) == 2
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            assert len(line) == 1
        async with line.served(Place(Urgency.JOB)):
            assert len(line) == 1

    asyncio.run(run())


def test_who_goes_away_as_they_are_called_holds_nobody_up():
    async def run():
        line = Line()
        async with line.served(Place(Urgency.JOB)):
            gone = asyncio.create_task(enter(line, Place(Urgency.VIEW)))
            await asyncio.sleep(0)
        gone.cancel()  # it is served already, and does not know yet
        await asyncio.gather(gone, return_exceptions=True)
        await asyncio.wait_for(enter(line, Place(Urgency.VIEW)), 60)

    asyncio.run(run())


def test_a_job_gives_way_to_views_and_comes_again_before_other_jobs():
    async def run():
        line, order = Line(), []
        first = Place(Urgency.JOB)

        async def take(name, place):
            async with line.served(place):
                order.append(name)

        async with line.served(first):
            tasks = [asyncio.create_task(take("other job", Place(Urgency.JOB)))]
            await asyncio.sleep(0)
            await line.give_way(first)
            assert order == []
            tasks.append(asyncio.create_task(take("view", Place(Urgency.VIEW))))
            await asyncio.sleep(0)
            assert line.ahead_of((Urgency.JOB, 10**9)) == 2
            await line.give_way(first)
            assert order == ["view"]
            order.append("job")
        await asyncio.gather(*tasks)
        assert order == ["view", "job", "other job"]

    asyncio.run(run())


async def enter(line, place):
    async with line.served(place):
        pass


def test_who_goes_away_in_the_moment_of_being_called_stops_nobody():
    """It has been cancelled, and has not heard of it yet."""

    async def run():
        line, order = Line(), []

        async def take(name):
            async with line.served(Place(Urgency.VIEW, name)):
                order.append(name)

        holding = line.served(Place(Urgency.VIEW))
        await holding.__aenter__()
        gone, other = asyncio.create_task(take("gone")), asyncio.create_task(take("other"))
        await asyncio.sleep(0)
        gone.cancel()
        await holding.__aexit__(None, None, None)
        await asyncio.wait([gone, other])
        assert order == ["other"]
        assert len(line) == 0

    asyncio.run(run())
