# SPDX-License-Identifier: LGPL-2.1-or-later
"""SQLAlchemy's own suites of performance tests with its asyncio extension: for bench-sqlalchemy.py, in the names, rows and counts of
suites.h. Each case is a function of an engine and a clock, and what it does is checked."""

from sqlalchemy import BigInteger, Column, Integer, String, bindparam, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base, deferred

Base = declarative_base()
Key = BigInteger().with_variant(Integer, 'sqlite')
SHORT_ROWS, FETCH = 10999, 10000


def customer(name, table, **more):
    return type(name, (Base,), dict(__tablename__=table, id=Column(Key, primary_key=True), name=Column(String(255)),
                                    description=Column(String(255)), **more))


Customer = customer('Customer', 'bench_customer')
Large = customer('Large', 'bench_customer_large')
Short = customer('Short', 'bench_customer_short', q=Column(Integer), p=Column(Integer), x=deferred(Column(Integer)),
                 y=deferred(Column(Integer)), z=deferred(Column(Integer)))


def key(number):
    return 1 + (number * 7919 + 13) % SHORT_ROWS


def row(number):
    return {'name': f'customer name {number}', 'description': f'customer description {number}'}


def length_of_rows(n):
    return sum(len('customer name ') + len('customer description ') + 2 * len(str(i)) for i in range(n))


def check(what, is_, should_be):
    if is_ != should_be:
        raise SystemExit(f'{what} is {is_}, not {should_be}')


async def empty(engine):
    async with engine.begin() as connection:
        await connection.execute(text('TRUNCATE bench_customer' if engine.dialect.name == 'postgresql'
                                      else 'DELETE FROM bench_customer'))


async def check_table(engine, n, more=0):
    table = Customer.__table__
    async with engine.connect() as connection:
        count, length = (await connection.execute(
            select(func.count(), func.sum(func.length(table.c.name) + func.length(table.c.description))).select_from(table))).one()
    check('rows', count, n)
    check('length of all', length, length_of_rows(n) + more)


def cases(divisor):
    bulk, large, selects, inserts = 100000 // divisor, 500000 // divisor, 10000 // divisor, 10000 // divisor
    chunk = min(1000, bulk)
    all_cases = {}

    def case(suite, ops):
        def add(function):
            all_cases[f'{suite}/{function.__name__}'] = (function, ops)
            return function
        return add

    async def flush_rounds(engine, clock, with_keys):
        await empty(engine)
        async with AsyncSession(engine) as session:
            with clock:
                for first in range(0, bulk, chunk):
                    session.add_all(Customer(**row(i), **({'id': i + 1} if with_keys else {})) for i in range(first, first + chunk))
                    await session.flush()
                await session.commit()
        await check_table(engine, bulk)

    @case('bulk_inserts', bulk)
    async def flush_no_pk(engine, clock):
        await flush_rounds(engine, clock, False)

    @case('bulk_inserts', bulk)
    async def flush_pk_given(engine, clock):
        await flush_rounds(engine, clock, True)

    @case('bulk_inserts', bulk)
    async def orm_bulk_insert(engine, clock):
        await empty(engine)
        async with AsyncSession(engine) as session:
            with clock:
                await session.execute(insert(Customer), [row(i) for i in range(bulk)])
                await session.commit()
        await check_table(engine, bulk)

    @case('bulk_inserts', bulk)
    async def core_insert(engine, clock):
        await empty(engine)
        with clock:
            async with engine.begin() as connection:
                await connection.execute(Customer.__table__.insert(), [row(i) for i in range(bulk)])
        await check_table(engine, bulk)

    @case('bulk_updates', bulk + bulk // chunk - 1)
    async def orm_flush(engine, clock):
        await empty(engine)
        async with engine.begin() as connection:
            await connection.execute(Customer.__table__.insert(), [dict(row(i), id=i + 1) for i in range(bulk)])
        n = 0
        async with AsyncSession(engine) as session:
            with clock:
                for first in range(0, bulk, chunk):
                    for one in (await session.execute(select(Customer).where(Customer.id.between(first, first + chunk)))).scalars():
                        one.description += 'updated'
                        n += 1
                    await session.flush()
                await session.commit()
        await check_table(engine, bulk, n * len('updated'))

    class Sums:
        def __init__(self):
            self.n = self.ids = self.lengths = 0

        def add(self, id_, name, description):
            self.n += 1
            self.ids += id_
            self.lengths += len(name) + len(description)

        def check(self):
            check('rows', self.n, large)
            check('sum of ids', self.ids, large * (large + 1) // 2)
            check('length of all', self.lengths, length_of_rows(large))

    @case('large_resultsets', large)
    async def orm_full_objects_list(engine, clock):
        sums = Sums()
        async with AsyncSession(engine) as session:
            with clock:
                objects = list((await session.execute(select(Large).limit(large))).scalars())
            for one in objects:
                sums.add(one.id, one.name, one.description)
        sums.check()

    @case('large_resultsets', large)
    async def orm_full_objects_chunks(engine, clock):
        sums = Sums()
        async with AsyncSession(engine) as session:
            with clock:
                result = await session.stream(select(Large).limit(large).execution_options(yield_per=1000))
                async for block in result.scalars().partitions():
                    for one in block:
                        sums.add(one.id, one.name, one.description)
        sums.check()

    @case('large_resultsets', large)
    async def orm_columns(engine, clock):
        sums = Sums()
        async with AsyncSession(engine) as session:
            with clock:
                result = await session.stream(select(Large.id, Large.name, Large.description).limit(large)
                                              .execution_options(yield_per=FETCH))
                async for block in result.partitions():
                    for one in block:
                        sums.add(one.id, one.name, one.description)
        sums.check()

    async def fetch_all(engine, clock, mapping):
        sums = Sums()
        async with engine.connect() as connection:
            with clock:
                result = await connection.execute(Large.__table__.select().limit(large))
                if mapping:
                    for one in result.mappings().fetchall():
                        sums.add(one['id'], one['name'], one['description'])
                else:
                    for one in result.fetchall():
                        sums.add(one.id, one.name, one.description)
        sums.check()

    @case('large_resultsets', large)
    async def core_fetchall(engine, clock):
        await fetch_all(engine, clock, False)

    @case('large_resultsets', large)
    async def core_fetchall_mapping(engine, clock):
        await fetch_all(engine, clock, True)

    @case('large_resultsets', large)
    async def core_fetchmany_w_streaming(engine, clock):
        sums = Sums()
        async with engine.connect() as connection:
            with clock:
                result = await connection.stream(Large.__table__.select().limit(large))
                while True:
                    block = await result.fetchmany(FETCH)
                    if not block:
                        break
                    for one in block:
                        sums.add(one.id, one.name, one.description)
        sums.check()

    def check_keys(total):
        check('sum of ids', total, sum(key(i) for i in range(selects)))

    async def query_entities(engine, clock, **options):
        total = 0
        async with AsyncSession(engine.execution_options(**options)) as session:
            with clock:
                for i in range(selects):
                    total += (await session.execute(select(Short).where(Short.id == key(i)))).scalar_one().id
        check_keys(total)

    async def query_rows(engine, clock, reuse, **options):
        table, total = Short.__table__, 0
        shared = table.select().where(table.c.id == bindparam('id'))
        async with engine.execution_options(**options).connect() as connection:
            with clock:
                for i in range(selects):
                    if reuse:
                        result = await connection.execute(shared, {'id': key(i)})
                    else:
                        result = await connection.execute(table.select().where(table.c.id == key(i)))
                    one = result.first()
                    tuple(one)
                    total += one.id
        check_keys(total)

    @case('short_selects', selects)
    async def orm_query_new_style(engine, clock):
        await query_entities(engine, clock, compiled_cache=None)

    @case('short_selects', selects)
    async def orm_query_new_style_cache(engine, clock):
        await query_entities(engine, clock, compiled_cache={})

    @case('short_selects', selects)
    async def core_new_stmt_each_time(engine, clock):
        await query_rows(engine, clock, False, compiled_cache=None)

    @case('short_selects', selects)
    async def core_new_stmt_each_time_compiled_cache(engine, clock):
        await query_rows(engine, clock, False, compiled_cache={})

    @case('short_selects', selects)
    async def core_reuse_stmt(engine, clock):
        await query_rows(engine, clock, True, compiled_cache=None)

    @case('short_selects', selects)
    async def core_reuse_stmt_compiled_cache(engine, clock):
        await query_rows(engine, clock, True, compiled_cache={})

    @case('single_inserts', inserts)
    async def orm_commit(engine, clock):
        await empty(engine)
        with clock:
            for i in range(inserts):
                async with AsyncSession(engine) as session:
                    session.add(Customer(**row(i)))
                    await session.commit()
        await check_table(engine, inserts)

    @case('single_inserts', inserts)
    async def bulk_insert_dictionaries(engine, clock):
        await empty(engine)
        with clock:
            for i in range(inserts):
                async with AsyncSession(engine) as session:
                    await session.execute(insert(Customer), [row(i)])
                    await session.commit()
        await check_table(engine, inserts)

    async def insert_rows(engine, clock, statement):
        await empty(engine)
        with clock:
            for i in range(inserts):
                async with engine.begin() as connection:
                    await connection.execute(Customer.__table__.insert() if statement is None else statement, row(i))
        await check_table(engine, inserts)

    @case('single_inserts', inserts)
    async def core(engine, clock):
        await insert_rows(engine, clock, None)

    @case('single_inserts', inserts)
    async def core_query_caching(engine, clock):
        await insert_rows(engine, clock, Customer.__table__.insert())

    return all_cases
