# SPDX-License-Identifier: LGPL-2.1-or-later
"""The override for Python, on SQLite in memory."""

import asyncio
import datetime
import decimal
import gc
import sys
import traceback

import gi
gi.require_version('Cupel', '1')
from gi.repository import Cupel, Gio, GLib, GObject   # noqa: E402


class Owner(Cupel.Entity):
    __tablename__ = 'owner'
    id = Cupel.Column(int, primary_key=True)
    name = Cupel.Column(str, length=50, unique=True)
    age = Cupel.Column(int)
    weight = Cupel.Column(float)
    grown = Cupel.Column(bool)
    photo = Cupel.Column(bytes)
    born = Cupel.Column(datetime.datetime)
    seen = Cupel.Column(GLib.DateTime)
    wealth = Cupel.Column(decimal.Decimal, precision=12, scale=2)
    cats = Cupel.HasMany('Cat', back_populates='owner', order_by='id')


class Cat(Cupel.Entity):
    __tablename__ = 'cat'
    id = Cupel.Column(int, primary_key=True)
    owner_id = Cupel.Column(int, foreign_key='owner.id')
    name = Cupel.Column(str, length=50)
    owner = Cupel.BelongsTo('Owner', back_populates='cats')


def recurse(depth):
    """Much more of the C stack than a fiber has, and a collection at the bottom."""
    if depth == 0:
        gc.collect()
        return 0
    return sorted([depth], key=lambda n: recurse(depth - 1))[0]


class Deep(Cupel.Entity):
    """Its setter and getter do what must not be done on the stack of a fiber."""
    __tablename__ = 'deep'
    id = Cupel.Column(int, primary_key=True)
    text = Cupel.Column(str, length=50)
    calls = 0

    def set_text(self, value):
        assert not Cupel.in_fiber()
        recurse(150)
        Deep.calls += 1
        self.own_text = value

    def get_text(self):
        assert not Cupel.in_fiber()
        recurse(150)
        return self.own_text

    def get_id(self):
        assert not Cupel.in_fiber()
        return self.__dict__.get('own_id', 0)

    def set_id(self, value):
        assert not Cupel.in_fiber()
        self.own_id = value

    text.fset, text.fget = set_text, get_text
    id.fset, id.fget = set_id, get_id


async def fresh(*classes):
    engine = Cupel.Engine.new('sqlite://')
    await engine.create_all_async(Cupel.metadata(*classes))
    return engine


def fails_with(error, code):
    return error.matches(Cupel.error_quark(), code)


async def test_values():
    born = datetime.datetime(2024, 2, 29, 12, 34, 56, 789000)
    seen = GLib.DateTime.new_utc(2001, 2, 3, 4, 5, 6.5)
    async with await fresh(Owner, Cat) as engine:
        async with Cupel.Session.new(engine) as session:
            async with session.transaction():
                session.add(Owner(name='full', age=-2 ** 40, weight=1.5, grown=True, photo=b'\0\xff', born=born, seen=seen,
                                  wealth=decimal.Decimal('123.45')))
                session.add(Owner(name='empty', age=None, grown=None, born=None))
                session.add(Owner(name='zero', age=0, weight=0.0, grown=False, photo=b''))
        async with Cupel.Session.new(engine) as session:
            full, empty, zero = await session.scalars_async(Cupel.select(Owner).order_by(Owner.id))
            assert (full.age, full.weight, full.grown, full.photo) == (-2 ** 40, 1.5, True, b'\0\xff')
            assert (full.born, full.wealth) == (born, decimal.Decimal('123.45'))
            assert full.seen.compare(seen) == 0
            assert [getattr(empty, a) for a in ('age', 'weight', 'grown', 'photo', 'born', 'seen', 'wealth')] == [None] * 7
            assert (zero.age, zero.weight, zero.grown, zero.photo) == (0, 0.0, False, b'')
            full.age, zero.age, empty.age = None, 1, 0
            assert full.age is None and session.get_n_dirty() == 3
            await session.commit_async()
        async with engine.connect_async() as connection:
            result = await connection.execute_async(Cupel.Text.new('SELECT name, age FROM owner ORDER BY id'))
            rows = list(result)
            assert [tuple(row) for row in rows] == [('full', None), ('empty', 0), ('zero', 1)]
            assert rows[0]['name'] == 'full' and rows[-1][-1] == 1 and len(rows[0]) == 2
            assert repr(rows[2]) == "('zero', 1)"


async def test_lists():
    async with await fresh(Owner, Cat) as engine:
        async with Cupel.Session.new(engine) as session:
            for name in 'abc':
                session.add(Owner(name=name))
            await session.commit_async()
            result = await session.scalars_async(Cupel.select(Owner).order_by(Owner.id))
            owners = result.to_list()
            assert len(owners) == 3 and owners[2].name == 'c'
            assert [owner.name for owner in owners] == ['a', 'b', 'c']


async def test_relationships():
    async with await fresh(Owner, Cat) as engine:
        async with Cupel.Session.new(engine) as session:
            tom = Cat(name='Tom')
            owner = Owner(name='x', cats=[tom, Cat(name='Felix')])
            assert tom.owner is owner and len(owner.cats) == 2
            session.add(owner)
            await session.commit_async()
            assert [cat.owner_id for cat in owner.cats] == [owner.id] * 2
            owner.cats = [tom]
            await session.commit_async()
            felix = (await session.scalars_async(Cupel.select(Cat).where(Cat.name == 'Felix'))).one()
            assert felix.owner_id is None and await felix.awaitable('owner') is None
            felix.owner = owner
            await session.commit_async()
        async with Cupel.Session.new(engine) as session:
            cat = await session.get_async(Cat, 2)
            assert cat.name == 'Felix'
            try:
                cat.owner
                assert False
            except GLib.Error as error:
                assert fails_with(error, Cupel.Error.NOT_LOADED)
            owner = await cat.awaitable('owner')
            assert owner.name == 'x' and {c.name for c in await owner.awaitable('cats')} == {'Tom', 'Felix'}


async def test_expressions():
    async with await fresh(Owner, Cat) as engine, Cupel.Session.new(engine) as session:
        session.add_all([Owner(name=f'n{n}', age=n) for n in range(10)])
        await session.commit_async()

        async def ages(condition):
            return [o.age for o in await session.scalars_async(Cupel.select(Owner).where(condition).order_by(Owner.age.desc()))]

        assert await ages(Owner.age > 7) == [9, 8]
        assert await ages((Owner.age <= 1) | (Owner.age == 5)) == [5, 1, 0]
        assert await ages(~(Owner.age < 9) & (Owner.name != 'x')) == [9]
        assert await ages(Owner.age.in_([2, 4])) == [4, 2]
        assert await ages(Owner.age.in_([])) == []
        assert await ages(Owner.name.like('%3')) == [3]
        assert await ages(Owner.weight != None) == []     # noqa: E711
        statement = Cupel.Update.new(Cupel.Entity.get_table(Owner)).set('age', 100).where(Owner.age == 0)
        assert (await session.execute_async(statement)).get_row_count() == 1
        some = Cupel.select(Owner).where(Owner.age >= Cupel.bind('least', None))
        result = await session.execute_async(some, {'least': 9})
        assert len(list(result)) == 2


async def test_many_and_streams():
    async with await fresh(Owner, Cat) as engine:
        table = Cupel.Entity.get_table(Cat)
        async with engine.transaction() as connection:
            insert = Cupel.Insert.new(table).add_column(table.get_column('name'))
            await connection.execute_many_async(insert, [{'name': f'cat {n}'} for n in range(1000)])
        async with engine.connect_async() as connection:
            names = []
            async with connection.stream_async(Cupel.select(table), block_rows=64) as stream:
                async for row in stream:
                    names.append(row['name'])
            assert len(names) == 1000 and names[999] == 'cat 999'
        async with Cupel.Session.new(engine) as session:
            async with session.stream_async(Cupel.select(Cat), 100) as stream:
                async for cat in stream:
                    if cat.id == 150:
                        break
            # the stream is closed: the session can be used again
            assert (await session.get_async(Cat, 1000)).name == 'cat 999'


async def test_transaction_rolls_back():
    async with await fresh(Owner, Cat) as engine:
        async with Cupel.Session.new(engine) as session:
            try:
                async with session.transaction():
                    session.add(Owner(name='gone'))
                    await session.flush_async()
                    raise ValueError('mine')
            except ValueError:
                pass
            assert list(await session.scalars_async(Cupel.select(Owner))) == []
        try:
            async with engine.transaction() as connection:
                await connection.execute_async(Cupel.Text.new("INSERT INTO owner (name) VALUES (:n)"), {'n': 'one'})
                raise KeyError('mine')
        except KeyError:
            pass
        async with Cupel.Session.new(engine) as session:
            assert list(await session.scalars_async(Cupel.select(Owner))) == []


async def test_errors():
    async with await fresh(Owner, Cat) as engine, Cupel.Session.new(engine) as session:
        session.add_all([Owner(name='same'), Owner(name='same')])
        try:
            await session.commit_async()
            assert False
        except GLib.Error as error:
            assert fails_with(error, Cupel.Error.UNIQUE), error
        await session.rollback_async()
        try:
            session.commit(None)        # would block the loop
            assert False
        except GLib.Error as error:
            assert fails_with(error, Cupel.Error.MISSING_FIBER), error
        for wrong in lambda: Owner(nonsense=1), lambda: session.scalars_async(), lambda: Cupel.Column(list):
            try:
                wrong()
                assert False
            except TypeError:
                pass


async def test_cancel():
    slow = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n'
    async with await fresh(Owner, Cat) as engine:
        connection = await engine.connect_async()
        task = asyncio.ensure_future(_execute(connection, slow))
        await asyncio.sleep(0.05)
        task.cancel()
        try:
            await task
            assert False
        except asyncio.CancelledError:
            pass
        # the operation is over, not only its task
        await connection.rollback_async()
        await connection.close_async()
        cancellable = Gio.Cancellable()
        cancellable.cancel()
        try:
            await engine.connect_async(cancellable)
            assert False
        except GLib.Error as error:
            assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


async def _execute(connection, text):
    return await connection.execute_async(Cupel.Text.new(text))


async def test_gather():
    """Many sessions at once, with asyncio's own timers among them."""
    async with await fresh(Owner, Cat) as engine:
        async def one(n):
            async with Cupel.Session.new(engine) as session:
                session.add(Owner(name=f'g{n}'))
                await asyncio.sleep(0.001)
                await session.commit_async()

        await asyncio.gather(*(one(n) for n in range(20)))
        async with Cupel.Session.new(engine) as session:
            assert len(list(await session.scalars_async(Cupel.select(Owner)))) == 20


async def test_not_blocked():
    """The timers of GLib and of asyncio go on while a statement runs."""
    ticks = []
    timer = GLib.timeout_add(5, lambda: ticks.append(True) or GLib.SOURCE_CONTINUE)
    endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
    async with await fresh(Owner, Cat) as engine, engine.connect_async() as connection:
        query = asyncio.ensure_future(_execute(connection, endless))
        sleeps = 0
        while len(ticks) < 3 or sleeps < 3:
            await asyncio.sleep(0.005)
            sleeps += 1
        assert not query.done()
        query.cancel()
        try:
            await query
            assert False
        except asyncio.CancelledError:
            pass
    GLib.source_remove(timer)


async def test_main_stack():
    """Setters and notify handlers never run on the stack of a fiber, which is small."""
    notified = []

    def on_notify(entity, pspec):
        assert not Cupel.in_fiber()
        notified.append(recurse(150))

    async with await fresh(Deep) as engine:
        async with Cupel.Session.new(engine) as session:
            deep = Deep(text='x')
            deep.connect('notify', on_notify)
            session.add(deep)
            await session.commit_async()        # the flush sets the key
            assert deep.id == 1
            before = Deep.calls
            await session.refresh_async(deep)
            assert Deep.calls > before
        del deep
        gc.collect()
        async with Cupel.Session.new(engine) as session:
            before = Deep.calls
            deep = (await session.scalars_async(Cupel.select(Deep))).one()
            assert deep.text == 'x' and Deep.calls > before
    assert notified


async def test_forgotten_class():
    class Lost(Cupel.Entity):
        id = Cupel.Column(int, primary_key=True)
        others = Cupel.HasMany('NoSuchClass')

    try:
        Lost()
        assert False
    except TypeError as error:
        assert 'NoSuchClass' in str(error)
    sys.modules['gi.overrides.Cupel']._pending.remove(Lost)


def test_spawn():
    """On a main loop that the program runs itself."""
    loop = GLib.MainLoop()
    ends = []

    async def work():
        engine = await fresh(Owner, Cat)
        async with Cupel.Session.new(engine) as session:
            session.add(Owner(name='spawned'))
            await session.commit_async()
            count = len(list(await session.scalars_async(Cupel.select(Owner))))
        await engine.dispose_async()
        return count

    def done(*end):
        ends.append(end)
        loop.quit()

    Cupel.spawn(work(), done)
    loop.run()
    assert ends == [(1, None)], ends


def test_callbacks():
    """The plain form of GIO is still there."""
    loop = GLib.MainLoop()
    seen = []

    def on_connected(engine, result, data):
        seen.append((engine.connect_finish(result), data))
        loop.quit()

    engine = Cupel.Engine.new('sqlite://')
    engine.connect_async(None, on_connected, 'data')
    loop.run()
    assert isinstance(seen[0][0], Cupel.Connection) and seen[0][1] == 'data'
    seen[0][0].close(None)
    engine.dispose(None)


async def test_nested_transactions():
    text = Cupel.Text.new
    async with Cupel.Engine.new('sqlite://') as engine:
        names = []
        engine.connect('savepoint', lambda engine, name: names.append(name))
        async with engine.connect_async() as connection:
            await connection.execute_async(text('CREATE TABLE t (id INTEGER PRIMARY KEY)'))
            async with connection.begin_nested_async():
                await connection.execute_async(text('INSERT INTO t VALUES (1)'))
            try:
                async with connection.begin_nested_async() as nested:
                    await connection.execute_async(text('INSERT INTO t VALUES (2)'))
                    raise ValueError('mine')
            except ValueError:
                assert not nested.is_active()
            await connection.commit_async()
            transaction = await connection.begin_transaction_async(flags=Cupel.BeginFlags.READ_ONLY)
            try:
                await connection.execute_async(text('INSERT INTO t VALUES (3)'))
                assert False
            except GLib.Error:
                await transaction.rollback_async()
        assert names == ['cupel_1', 'cupel_2']

        tries = 0

        async def work(connection):
            nonlocal tries
            tries += 1
            await connection.execute_async(text(f'INSERT INTO t VALUES ({10 + tries})'))
            if tries < 3:
                raise GLib.Error.new_literal(Cupel.error_quark(), 'lost a race', Cupel.Error.SERIALIZATION)
            return 'done'

        assert await engine.run_transaction(work) == 'done'
        async with engine.connect_async() as connection:
            result = await connection.execute_async(text('SELECT count(*), sum(id) FROM t'))
            assert list(result.next_row()) == [2, 14], tries


def test_run_returns():
    async def answer():
        await asyncio.sleep(0)
        return 42

    async def fail():
        raise ValueError('mine')

    assert Cupel.run(answer()) == 42
    try:
        Cupel.run(fail())
        assert False
    except ValueError:
        pass


def main():
    tests = [(name[5:], test) for name, test in globals().items() if name.startswith('test_')]
    failed = 0
    print(f'1..{len(tests)}')
    for number, (name, test) in enumerate(tests, 1):
        try:
            if asyncio.iscoroutinefunction(test):
                Cupel.run(asyncio.wait_for(test(), 60))
            else:
                test()
        except BaseException:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print('# ' + line)
            print(f'not ok {number} /languages/python/{name.replace("_", "-")}', flush=True)
        else:
            print(f'ok {number} /languages/python/{name.replace("_", "-")}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
