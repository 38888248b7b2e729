#!/usr/bin/env -S gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The ORM from end to end, with classes of JavaScript: mapped classes, eager loading, streaming, and attributes that are awaited.
//
// async_orm.js URL, for instance postgresql://scott:tiger@localhost/test or sqlite://

import Cupel from 'gi://Cupel?version=1';
import GLib from 'gi://GLib';
import System from 'system';

const B = Cupel.map(class B extends Cupel.Entity {}, {
    table: 'b',
    columns: {
        id: {type: 'int', primaryKey: true},
        a_id: {type: 'int', foreignKey: 'a.id', nullable: false},
        data: {type: 'string', length: 50},
    },
});

const A = Cupel.map(class A extends Cupel.Entity {}, {
    table: 'a',
    columns: {
        id: {type: 'int', primaryKey: true},
        data: {type: 'string', length: 50},
        create_date: {type: 'datetime', serverDefault: 'now()', nullable: false},
    },
    relationships: {
        bs: {kind: 'has-many', target: B},
    },
});

function printBs(a) {
    for (const b of a.bs)
        print(`  B ${b.id} of ${a.data}`);
}

async function asyncMain(url) {
    const engine = Cupel.Engine.new(url);
    const metadata = Cupel.metadata(A, B);

    await engine.drop_all_async(metadata);
    await engine.create_all_async(metadata);

    const session = Cupel.SessionFactory.new(engine).create();
    const graphs = [
        new A({data: 'a1', bs: [new B(), new B()]}),
        new A({data: 'a2', bs: [new B()]}),
        new A({data: 'a3', bs: [new B(), new B()]}),
    ];
    for (const a of graphs)
        session.add(a);
    await session.commit_async();

    // For eager loading, a loader option goes with the query.
    const statement = Cupel.select(A).add_option(Cupel.selectinload(A, 'bs'));

    // Buffered: the rows are here when the call returns.
    for (const a of await session.scalars_async(statement)) {
        print(`A ${a.id} ${a.data}`);
        print(`created at: ${a.create_date.format('%F %T')}`);
        printBs(a);
    }

    // Streamed: the rows arrive by blocks while they are read.
    for await (const a of await session.stream_async(statement)) {
        print(`A ${a.id} ${a.data}`);
        printBs(a);
    }

    const result = await session.scalars_async(Cupel.select(A).order_by(Cupel.attr(A, 'id')));
    const a1 = result.first();
    a1.data = 'new data';
    await session.commit_async();

    // A relationship that no query loaded is awaited.
    for (const b of await a1.awaitable('bs'))
        print(`  B ${b.id} of ${a1.data}`);

    await session.close_async();
    await engine.dispose_async();
}

// The main loop is never blocked: a timer goes on ticking.
let ticks = 0;
GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, () => {
    ticks++;
    return GLib.SOURCE_CONTINUE;
});

const loop = new GLib.MainLoop(null, false);
let status = 1;
asyncMain(ARGV[0] ?? 'sqlite://').then(() => {
    status = ticks > 0 ? 0 : 1;
}).catch(error => {
    logError(error);
}).finally(() => loop.quit());
loop.run();
System.exit(status);
