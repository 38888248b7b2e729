// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The override for GJS, on SQLite in memory.

import Cupel from 'gi://Cupel?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';

const Owner = Cupel.map(class Owner extends Cupel.Entity {}, {
    table: 'owner',
    columns: {
        id: {type: 'int', primaryKey: true},
        name: {type: 'string', length: 50, unique: true},
        age: {type: 'int'},
        weight: {type: 'float'},
        grown: {type: 'bool'},
        photo: {type: 'bytes'},
        born: {type: 'datetime'},
        wealth: {type: 'decimal', precision: 12, scale: 2},
    },
    relationships: {cats: {kind: 'has-many', target: 'Cat', backPopulates: 'owner', orderBy: 'id'}},
});

const Cat = Cupel.map(class Cat extends Cupel.Entity {}, {
    table: 'cat',
    columns: {
        id: {type: 'int', primaryKey: true},
        owner_id: {type: 'int', foreignKey: 'owner.id'},
        name: {type: 'string', length: 50},
    },
    relationships: {owner: {kind: 'belongs-to', target: 'Owner', backPopulates: 'cats'}},
});

function assert(condition, text = 'assertion failed') {
    if (!condition)
        throw new Error(text);
}

function assertEqual(actual, expected) {
    const [a, b] = [actual, expected].map(value => JSON.stringify(value));
    assert(a === b, `${a} instead of ${b}`);
}

async function assertFails(promise, code) {
    let error = null;
    try {
        await promise;
    } catch (caught) {
        error = caught;
    }
    assert(error?.matches?.(Cupel.error_quark(), code), `failed with ${error}`);
    return error;
}

async function fresh(...classes) {
    const engine = Cupel.Engine.new('sqlite://');
    await engine.create_all_async(Cupel.metadata(...classes));
    return engine;
}

// Much more of the C stack than a fiber has: each level goes through native code and back.
function recurse(depth) {
    if (depth === 0) {
        System.gc();
        return 0;
    }
    return [depth].map(n => recurse(n - 1))[0];
}

const tests = {
    async values() {
        const engine = await fresh(Owner, Cat);
        let session = Cupel.Session.new(engine);
        const born = GLib.DateTime.new_utc(2024, 2, 29, 12, 34, 56.5);
        session.add(new Owner({
            name: 'full', age: -(2 ** 40), weight: 1.5, grown: true, photo: new Uint8Array([0, 255]), born, wealth: '123.45',
        }));
        session.add(new Owner({name: 'empty', age: null, grown: null, born: null}));
        session.add(new Owner({name: 'zero', age: 0, weight: 0, grown: false, photo: new Uint8Array()}));
        await session.commit_async();
        await session.close_async();

        session = Cupel.Session.new(engine);
        const [full, empty, zero] = await session.scalars_async(Cupel.select(Owner).order_by(Cupel.attr(Owner, 'id')));
        assertEqual([full.age, full.weight, full.grown, full.wealth], [-(2 ** 40), 1.5, true, '123.45']);
        assertEqual([...full.photo.toArray()], [0, 255]);
        assert(full.born.equal(born));
        assertEqual(['age', 'weight', 'grown', 'photo', 'born', 'wealth'].map(name => empty[name]), Array(6).fill(null));
        assertEqual([zero.age, zero.weight, zero.grown, zero.photo.get_size()], [0, 0, false, 0]);
        full.age = null;
        zero.age = 1;
        empty.age = 0;
        full.wealth = null;
        assert(full.age === null && session.get_n_dirty() === 3);
        await session.commit_async();
        const rows = [...await session.execute_async(Cupel.Text.new('SELECT name, age, wealth FROM owner ORDER BY id'))];
        assertEqual(rows.map(row => [...row]), [['full', null, null], ['empty', 0, null], ['zero', 1, null]]);
        assertEqual([rows[0].get('name'), rows[2].get(1)], ['full', 1]);
        await session.close_async();
        await engine.dispose_async();
    },

    async lists() {
        const engine = await fresh(Owner, Cat);
        const session = Cupel.Session.new(engine);
        ['a', 'b', 'c'].forEach(name => session.add(new Owner({name})));
        await session.commit_async();
        const result = await session.scalars_async(Cupel.select(Owner).order_by(Cupel.attr(Owner, 'id')));
        const list = result.to_list();
        assertEqual([list.get_n_items(), list.get_item(2).name], [3, 'c']);
        assertEqual([...list].map(owner => owner.name), ['a', 'b', 'c']);
        await session.close_async();
        await engine.dispose_async();
    },

    async relationships() {
        const engine = await fresh(Owner, Cat);
        let session = Cupel.Session.new(engine);
        const tom = new Cat({name: 'Tom'});
        const owner = new Owner({name: 'x', cats: [tom, new Cat({name: 'Felix'})]});
        assert(tom.owner === owner && [...owner.cats].length === 2);
        session.add(owner);
        await session.commit_async();
        assertEqual([...owner.cats].map(cat => cat.owner_id), [owner.id, owner.id]);
        owner.cats = [tom];
        await session.commit_async();
        await session.close_async();

        session = Cupel.Session.new(engine);
        const felix = await session.get_async(Cat, 2);
        assert(felix.name === 'Felix' && felix.owner_id === null && await felix.awaitable('owner') === null);
        const cat = await session.get_async(Cat, 1);
        try {
            cat.owner.toString();
            assert(false);
        } catch (error) {
            assert(error.matches?.(Cupel.error_quark(), Cupel.Error.NOT_LOADED), `${error}`);
        }
        assert((await cat.awaitable('owner')).name === 'x');
        felix.owner = cat.owner;
        await session.commit_async();
        assertEqual([...await cat.owner.awaitable('cats')].map(one => one.name), ['Tom', 'Felix']);
        await session.close_async();
        await engine.dispose_async();
    },

    async expressions() {
        const engine = await fresh(Owner, Cat);
        const session = Cupel.Session.new(engine);
        session.add_all([...Array(10).keys()].map(n => new Owner({name: `n${n}`, age: n})));
        await session.commit_async();
        const age = () => Cupel.attr(Owner, 'age');
        const ages = async condition =>
            [...await session.scalars_async(Cupel.select(Owner).where(condition).order_by(Cupel.desc(age())))].map(o => o.age);

        assertEqual(await ages(Cupel.gt(age(), 7)), [9, 8]);
        assertEqual(await ages(Cupel.or(Cupel.le(age(), 1), Cupel.eq(age(), 5))), [5, 1, 0]);
        assertEqual(await ages(Cupel.like(Cupel.attr(Owner, 'name'), '%3')), [3]);
        assertEqual(await ages(Cupel.ne(Cupel.attr(Owner, 'weight'), null)), []);
        const result = await session.execute_async(Cupel.select(Owner).where(Cupel.ge(age(), Cupel.bind('least', null))), {least: 9});
        assertEqual([...result].length, 1);
        await session.close_async();
        await engine.dispose_async();
    },

    async streams() {
        const engine = await fresh(Owner, Cat);
        const table = Cupel.Entity.get_table(Cat);
        const connection = await engine.connect_async();
        const insert = Cupel.Insert.new(table).add_column(table.get_column('name'));
        await connection.execute_many_async(insert, [...Array(1000).keys()].map(n => ({name: `cat ${n}`})));
        await connection.commit_async();
        const names = [];
        for await (const row of await connection.stream_async(Cupel.select(table), null, 64))
            names.push(row.get('name'));
        assertEqual([names.length, names[999]], [1000, 'cat 999']);
        await connection.close_async();

        const session = Cupel.Session.new(engine);
        for await (const cat of await session.stream_async(Cupel.select(Cat), 100)) {
            if (cat.id === 150)
                break;
        }
        // the stream is closed: the session can be used again
        assert((await session.get_async(Cat, 1000)).name === 'cat 999');
        await session.close_async();
        await engine.dispose_async();
    },

    async errors() {
        const engine = await fresh(Owner, Cat);
        const session = Cupel.Session.new(engine);
        session.add_all([new Owner({name: 'same'}), new Owner({name: 'same'})]);
        await assertFails(session.commit_async(), Cupel.Error.UNIQUE);
        await session.rollback_async();
        // would block the loop
        await assertFails((async () => session.commit(null))(), Cupel.Error.MISSING_FIBER);
        for (const wrong of [() => new Owner({nonsense: 1}), () => session.scalars_async(),
            () => Cupel.map(class X extends Cupel.Entity {}, {columns: {id: {type: 'nonsense'}}})]) {
            let caught = null;
            try {
                wrong();
            } catch (error) {
                caught = error;
            }
            assert(caught instanceof TypeError, `${caught}`);
        }
        const cancellable = Gio.Cancellable.new();
        cancellable.cancel();
        let cancelled = null;
        await engine.connect_async(cancellable).catch(error => (cancelled = error));
        assert(cancelled?.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), `${cancelled}`);
        await session.close_async();
        await engine.dispose_async();
    },

    // The timers of GLib go on while a statement runs.
    async notBlocked() {
        const engine = await fresh(Owner, Cat);
        const connection = await engine.connect_async();
        const cancellable = Gio.Cancellable.new();
        let ticks = 0;
        const timer = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 5, () => {
            if (++ticks === 3)
                cancellable.cancel();
            return GLib.SOURCE_CONTINUE;
        });
        // Without an end
        const text = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n';
        let cancelled = null;
        await connection.execute_async(Cupel.Text.new(text), null, cancellable).catch(error => (cancelled = error));
        GLib.source_remove(timer);
        assert(cancelled?.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), `${cancelled}`);
        assert(ticks >= 3, `${ticks} ticks`);
        await connection.close_async();
        await engine.dispose_async();
    },

    // Setters, getters and notify handlers never run on the stack of a fiber, which is small.
    async mainStack() {
        let calls = 0;
        let notified = 0;
        const check = () => {
            assert(!Cupel.in_fiber(), 'in a fiber');
            recurse(100);
            calls++;
        };
        const klass = class Deep extends Cupel.Entity {};
        const Deep = Cupel.map(klass, {
            table: 'deep',
            columns: {id: {type: 'int', primaryKey: true}, text: {type: 'string', length: 50}},
        });
        const own = Object.getOwnPropertyDescriptor(Deep.prototype, 'text');
        Object.defineProperty(Deep.prototype, 'text', {
            configurable: true,
            get() {
                check();
                return own.get.call(this);
            },
            set(value) {
                check();
                own.set.call(this, value);
            },
        });
        const engine = await fresh(Deep);
        let session = Cupel.Session.new(engine);
        let deep = new Deep({text: 'x'});
        deep.connect('notify', () => {
            check();
            notified++;
        });
        session.add(deep);
        await session.commit_async();       // the flush sets the key
        assertEqual(deep.id, 1);
        await session.refresh_async(deep);
        await session.close_async();
        deep = null;
        System.gc();
        session = Cupel.Session.new(engine);
        const before = calls;
        deep = (await session.scalars_async(Cupel.select(Deep))).one();
        assert(deep.text === 'x' && calls > before && notified > 0, `${calls} calls, ${notified} notified`);
        await session.close_async();
        await engine.dispose_async();
    },

    async nestedTransactions() {
        const engine = Cupel.Engine.new('sqlite://');
        const names = [];
        engine.connect('savepoint', (source, name) => names.push(name));
        const connection = await engine.connect_async();
        await connection.execute_async(Cupel.Text.new('CREATE TABLE t (id INTEGER PRIMARY KEY)'));
        const kept = await connection.begin_nested_async();
        await connection.execute_async(Cupel.Text.new('INSERT INTO t VALUES (1)'));
        await kept.commit_async();
        const lost = await connection.begin_nested_async();
        await connection.execute_async(Cupel.Text.new('INSERT INTO t VALUES (2)'));
        await lost.rollback_async();
        assert(!lost.is_active() && connection.get_transaction().is_active());
        await connection.commit_async();
        assertEqual(names.join(), 'cupel_1,cupel_2');
        await connection.close_async();
        await engine.dispose_async();
    },

    async callbacks() {
        const engine = Cupel.Engine.new('sqlite://');
        const connection = await new Promise((resolve, reject) => {
            engine.connect_async(null, (source, result) => {
                try {
                    resolve(source.connect_finish(result));
                } catch (error) {
                    reject(error);
                }
            });
        });
        assert(connection instanceof Cupel.Connection && connection instanceof GObject.Object);
        await connection.close_async();
        await engine.dispose_async();
    },
};

async function runAll() {
    let failed = 0;
    let number = 0;
    print(`1..${Object.keys(tests).length}`);
    for (const [name, test] of Object.entries(tests)) {
        const label = `${++number} /languages/gjs/${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
        try {
            // eslint-disable-next-line no-await-in-loop
            await test();
            print(`ok ${label}`);
        } catch (error) {
            failed++;
            `${error}\n${error.stack ?? ''}`.split('\n').forEach(line => print(`# ${line}`));
            print(`not ok ${label}`);
        }
    }
    return failed;
}

const loop = new GLib.MainLoop(null, false);
let status = 1;
runAll().then(failed => {
    status = failed > 0 ? 1 : 0;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
