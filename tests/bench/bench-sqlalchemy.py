#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The workloads W1 to W9 with SQLAlchemy's asyncio extension, on the tables that `bench-cupel URL prepare` makes, and the suites
on those of `bench-cupel URL prepare-suites`.

    bench-sqlalchemy.py URL CASE [REPETITIONS [DIVISOR]]

Prints the same lines of JSON as the programs in C. The first repetition warms up and is not reported.
"""

import asyncio
import json
import re
import sys
import time
import urllib.parse

from sqlalchemy import Column, BigInteger, DateTime, ForeignKey, Integer, String, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.orm import declarative_base, relationship, selectinload

import suites_sqlalchemy

Base = declarative_base()
Key = BigInteger().with_variant(Integer, 'sqlite')

DIVISOR = int(sys.argv[4]) if len(sys.argv) > 4 else 1
CHILDREN, TASKS, CONNECTIONS = 3, 64, 8
ROWS_LARGE, ROWS, PARENTS, TASK_OPS = (full // DIVISOR for full in (1000000, 100000, 10000, 200))


def define_a(name, table, **more):
    return type(name, (Base,), dict(__tablename__=table, id=Column(Key, primary_key=True), data=Column(String(255)),
                                    create_date=Column(DateTime, server_default=func.now()),
                                    __mapper_args__={'eager_defaults': False}, **more))


Large = define_a('Large', 'bench_1m')
Many = define_a('Many', 'bench_100k')
Changed = define_a('Changed', 'bench_u')
Aa = define_a('Aa', 'bench_a', bs=relationship('Bb'))
NewA = define_a('NewA', 'bench_wa', bs=relationship('NewB'))


class Bb(Base):
    __tablename__ = 'bench_b'
    id = Column(Key, primary_key=True)
    a_id = Column(ForeignKey('bench_a.id'))
    data = Column(String(255))


class NewB(Base):
    __tablename__ = 'bench_wb'
    id = Column(Key, primary_key=True)
    a_id = Column(ForeignKey('bench_wa.id'))
    data = Column(String(255))


def engine_of(url, case):
    parts = urllib.parse.urlsplit(url)
    options = {'pool_size': CONNECTIONS, 'max_overflow': 0}
    # A single read needs no transaction
    if case == 'W7':
        options['isolation_level'] = 'AUTOCOMMIT'
    if parts.scheme == 'sqlite':
        return create_async_engine('sqlite+aiosqlite:///' + parts.path[1:], poolclass=AsyncAdaptedQueuePool, **options)
    host = urllib.parse.parse_qs(parts.query)['host'][0]
    database = parts.path[1:]
    if parts.scheme == 'postgresql':
        return create_async_engine(f'postgresql+asyncpg://{parts.username}@/{database}?host={host}', **options)
    return create_async_engine(f'mysql+aiomysql://{parts.username}@/{database}?unix_socket={host}&charset=utf8mb4', **options)


def check(what, is_, should_be):
    if is_ != should_be:
        raise SystemExit(f'{what} is {is_}, not {should_be}')


def sum_to(n):
    return n * (n + 1) // 2


class Clock:
    def __enter__(self):
        self.begin, self.cpu_begin = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds, self.cpu_seconds = time.perf_counter() - self.begin, time.process_time() - self.cpu_begin


async def empty(engine):
    async with engine.begin() as connection:
        if engine.dialect.name == 'postgresql':
            await connection.execute(text('TRUNCATE bench_wa, bench_wb'))
            return
        await connection.execute(text('DELETE FROM bench_wb'))
        await connection.execute(text('DELETE FROM bench_wa'))


async def w1(engine, clock):
    async with AsyncSession(engine) as session:
        with clock:
            entities = (await session.execute(select(Many))).scalars().all()
        check('sum of ids', sum(entity.id for entity in entities), sum_to(ROWS))


async def w2(engine, clock):
    async with AsyncSession(engine) as session:
        with clock:
            result = await session.execute(select(Aa).options(selectinload(Aa.bs)))
            total = sum(b.id for a in result.scalars() for b in a.bs)
        check('sum of ids', total, sum_to(PARENTS * CHILDREN))


async def w3(engine, clock):
    async with AsyncSession(engine) as session:
        with clock:
            total = 0
            result = await session.stream(select(Large).execution_options(yield_per=1000))
            async for block in result.scalars().partitions():
                for entity in block:
                    total += entity.id
        check('sum of ids', total, sum_to(ROWS_LARGE))


async def w4(engine, clock):
    await empty(engine)
    objects = [NewA(data=f'data {i}', bs=[NewB(data=f'data {i}') for _ in range(CHILDREN)]) for i in range(1, PARENTS + 1)]
    async with AsyncSession(engine, expire_on_commit=False) as session:
        with clock:
            session.add_all(objects)
            await session.flush()
            await session.commit()
    if not all(a.id for a in objects):
        raise SystemExit('no key came back')


async def w5(engine, clock):
    async with AsyncSession(engine) as session:
        with clock:
            total = 0
            for i in range(1, PARENTS + 1):
                total += (await session.get(Aa, i)).id
            await session.commit()
        check('sum of ids', total, sum_to(PARENTS))


async def w6(engine, clock):
    async with AsyncSession(engine) as session:
        with clock:
            for a in (await session.execute(select(Changed))).scalars():
                a.data = f'changed {time.monotonic_ns()} {a.id}'
            await session.flush()
            await session.commit()


async def w7(engine, clock):
    statement = select(Aa.__table__).where(Aa.__table__.c.id == bindparam('key'))
    total = 0

    async def task(number):
        nonlocal total
        for i in range(TASK_OPS):
            async with engine.connect() as connection:
                row = (await connection.execute(statement, {'key': 1 + (number * 7919 + i * 104729) % 2**32 % PARENTS})).first()
                total += row.id
    with clock:
        await asyncio.gather(*(task(number) for number in range(TASKS)))


async def w8(engine, clock):
    await empty(engine)
    rows = [{'data': f'data {i}'} for i in range(1, ROWS + 1)]
    with clock:
        async with engine.begin() as connection:
            await connection.execute(NewA.__table__.insert(), rows)


async def w9(engine, clock):
    async with engine.connect() as connection:
        with clock:
            total = 0
            for row in (await connection.execute(select(Many.__table__))).all():
                total += row.id
        check('sum of ids', total, sum_to(ROWS))


CASES = {'W1': (w1, ROWS), 'W2': (w2, PARENTS * (1 + CHILDREN)), 'W3': (w3, ROWS_LARGE), 'W4': (w4, PARENTS * (1 + CHILDREN)),
         'W5': (w5, PARENTS), 'W6': (w6, PARENTS), 'W7': (w7, TASKS * TASK_OPS), 'W7T': (w7, TASKS * TASK_OPS), 'W8': (w8, ROWS), 'W9': (w9, ROWS),
         **suites_sqlalchemy.cases(DIVISOR)}


def peak():
    with open('/proc/self/status') as status:
        return int(re.search(r'VmHWM:\s+(\d+)', status.read()).group(1))


async def main(url, case, repetitions):
    function, ops = CASES[case]
    engine = engine_of(url, case)
    for number in range(repetitions + 1):
        clock = Clock()
        await function(engine, clock)
        # The slow ones need no warming up
        if number > 0 or clock.seconds > 2:
            print(json.dumps({'implementation': 'sqlalchemy', 'case': case, 'repetition': number, 'ops': ops, 'seconds': clock.seconds,
                              'cpu_seconds': clock.cpu_seconds,                              'peak_kib': peak(), 'growth_kib': 0, 'heap_bytes': 0, 'late_us': 0, 'frame_us': 0, 'p50_us': 0, 'p99_us': 0}), flush=True)
        if clock.seconds > 2:
            break
    await engine.dispose()


if __name__ == '__main__':
    if len(sys.argv) < 3 or sys.argv[2] not in CASES:
        raise SystemExit(f'usage: bench-sqlalchemy.py URL {"|".join(CASES)} [REPETITIONS [DIVISOR]]')
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1))
