#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ORM from end to end, with classes of Python: mapped classes, eager loading, streaming, and attributes that are awaited.

    async_orm.py URL, for instance postgresql://scott:tiger@localhost/test or sqlite://
"""

import sys

import gi
gi.require_version('Cupel', '1')
from gi.repository import Cupel, GLib   # noqa: E402


class B(Cupel.Entity):
    id = Cupel.Column(int, primary_key=True)
    a_id = Cupel.Column(int, foreign_key='a.id', nullable=False)
    data = Cupel.Column(str, length=50)


class A(Cupel.Entity):
    id = Cupel.Column(int, primary_key=True)
    data = Cupel.Column(str, length=50)
    create_date = Cupel.Column(GLib.DateTime, server_default='now()', nullable=False)
    bs = Cupel.HasMany('B')


def print_bs(a):
    for b in a.bs:
        print(f'  B {b.id} of {a.data}')


async def async_main(url):
    async with Cupel.Engine.new(url) as engine:
        await engine.drop_all_async(Cupel.metadata(A, B))
        await engine.create_all_async(Cupel.metadata(A, B))

        async with Cupel.SessionFactory.new(engine).create() as session:
            async with session.transaction():
                for a in (A(data='a1', bs=[B(), B()]), A(data='a2', bs=[B()]), A(data='a3', bs=[B(), B()])):
                    session.add(a)

            # For eager loading, a loader option goes with the query.
            statement = Cupel.select(A).add_option(Cupel.selectinload(A.bs))

            # Buffered: the rows are here when the call returns.
            for a in await session.scalars_async(statement):
                print(f'A {a.id} {a.data}')
                print('created at:', a.create_date.format('%F %T'))
                print_bs(a)

            # Streamed: the rows arrive by blocks while they are read.
            async with session.stream_async(statement) as stream:
                async for a in stream:
                    print(f'A {a.id} {a.data}')
                    print_bs(a)

            result = await session.scalars_async(Cupel.select(A).order_by(A.id))
            a1 = result.first()
            a1.data = 'new data'
            await session.commit_async()

            # A relationship that no query loaded is awaited.
            for b in await a1.awaitable('bs'):
                print(f'  B {b.id} of {a1.data}')


def main():
    # The main loop is never blocked: a timer goes on ticking.
    ticks = []
    timer = GLib.timeout_add(1, lambda: ticks.append(True) or GLib.SOURCE_CONTINUE)
    Cupel.run(async_main(sys.argv[1] if len(sys.argv) > 1 else 'sqlite://'))
    GLib.source_remove(timer)
    return 0 if ticks else 1


if __name__ == '__main__':
    sys.exit(main())
