// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Cupel for GJS: every `_async` method returns a promise, streams are async iterables, results, rows and lists are iterables,
// statements are built by calls that follow each other, and Cupel.map() maps a class.

const {Gio, GLib, GObject} = imports.gi;

let Cupel;

// -- values -----------------------------------------------------------------------------------------------------------

// A Cupel.Value of any value of JavaScript that SQL knows.
function toValue(value) {
    if (value === null || value === undefined)
        return Cupel.Value.new_null();
    if (value instanceof Cupel.Value)
        return value;
    switch (typeof value) {
    case 'boolean':
        return Cupel.Value.new_boolean(value);
    case 'string':
        return Cupel.Value.new_string(value);
    case 'bigint':
        return Cupel.Value.new_int64(Number(value));
    case 'number':
        return Number.isInteger(value) ? Cupel.Value.new_int64(value) : Cupel.Value.new_double(value);
    }
    if (value instanceof Uint8Array)
        return Cupel.Value.new_bytes(new GLib.Bytes(value));
    if (value instanceof GLib.Bytes)
        return Cupel.Value.new_bytes(value);
    if (value instanceof GLib.DateTime)
        return Cupel.Value.new_datetime(value);
    if (value instanceof Date)
        return Cupel.Value.new_datetime(fromDate(value));
    throw new TypeError(`no SQL value can be made of ${value}`);
}

function fromDate(date) {
    return GLib.DateTime.new_from_unix_utc(Math.floor(date.getTime() / 1000)).add((date.getTime() % 1000) * 1000);
}

// Cupel.Parameters of an object, or of an array of objects: one set for each.
function toParameters(values) {
    if (values === null || values === undefined || values instanceof Cupel.Parameters)
        return values ?? null;
    const parameters = Cupel.Parameters.new();
    (Array.isArray(values) ? values : [values]).forEach((one, n) => {
        if (n > 0)
            parameters.next();
        for (const [name, value] of Object.entries(one))
            parameters.set(name, toValue(value));
    });
    return parameters;
}

function cell(holder, column) {
    if (holder.is_null(column))
        return null;
    const value = holder.get_value(column)[1];
    return value instanceof GLib.Bytes ? value.toArray() : value;
}

// -- promises ---------------------------------------------------------------------------------------------------------

const CONVERT = {parameters: toParameters, key: toValue, type: gtypeOf};

// The arguments before the cancellable, by name; those that may be left out have a value.
const ARGUMENTS = {
    Connection: {
        execute: {statement: undefined, parameters: null},
        execute_many: {statement: undefined, parameters: undefined},
        stream: {statement: undefined, parameters: null, block_rows: 0},
        set_isolation_level: {level: undefined},
        create_all: {metadata: undefined}, drop_all: {metadata: undefined},
        begin: {}, commit: {}, rollback: {}, close: {},
        begin_transaction: {isolation: 0, flags: 0}, begin_nested: {},
    },
    Engine: {connect: {}, create_all: {metadata: undefined}, drop_all: {metadata: undefined}, dispose: {}},
    Entity: {load: {name: undefined}},
    Session: {
        begin: {}, commit: {}, rollback: {}, flush: {}, close: {},
        begin_transaction: {isolation: 0, flags: 0}, begin_nested: {},
        execute: {statement: undefined, parameters: null},
        scalars: {select: undefined},
        stream: {select: undefined, block_rows: 0},
        get: {type: undefined, key: undefined},
        get_int64: {type: undefined, key_: undefined},
        refresh: {entity: undefined, names: null},
        connection: {isolation: 0},
    },
    Stream: {close: {}, next_list: {}, next_rows: {}},
    Transaction: {commit: {}, rollback: {}},
};

function promisify(proto, name, args) {
    const start = proto[`${name}_async`];
    const finish = proto[`${name}_finish`];
    const names = Object.keys(args);

    proto[`${name}_async`] = function (...given) {
        // GIO's own form
        if (typeof given[names.length + 1] === 'function')
            return start.call(this, ...given);

        const cancellable = given[names.length] ?? null;
        const values = names.map((key, n) => {
            const value = given[n] === undefined ? args[key] : given[n];
            if (value === undefined)
                throw new TypeError(`${name}_async() misses the argument ${key}`);
            return key in CONVERT ? CONVERT[key](value) : value;
        });
        return new Promise((resolve, reject) => {
            start.call(this, ...values, cancellable, (source, result) => {
                try {
                    resolve(finish.call(source, result));
                } catch (error) {
                    reject(error);
                }
            });
        });
    };
}

// -- mapped classes ---------------------------------------------------------------------------------------------------

const KINDS = {
    bool: 'BOOLEAN', int: 'INT64', float: 'DOUBLE', string: 'STRING', text: 'TEXT', bytes: 'BYTES', datetime: 'DATETIME',
    timestamp: 'TIMESTAMP', date: 'DATE', decimal: 'NUMERIC',
};

const FLAGS = GObject.ParamFlags.READWRITE | GObject.ParamFlags.EXPLICIT_NOTIFY;

function paramSpec(name, type) {
    switch (type) {
    case 'bool':
        return GObject.ParamSpec.boolean(name, '', '', FLAGS, false);
    case 'int':
        return GObject.ParamSpec.int64(name, '', '', FLAGS, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 0);
    case 'float':
        return GObject.ParamSpec.double(name, '', '', FLAGS, -Number.MAX_VALUE, Number.MAX_VALUE, 0);
    case 'bytes':
        return GObject.ParamSpec.boxed(name, '', '', FLAGS, GLib.Bytes.$gtype);
    case 'datetime':
    case 'timestamp':
        return GObject.ParamSpec.boxed(name, '', '', FLAGS, GLib.DateTime.$gtype);
    case 'date':
        return GObject.ParamSpec.boxed(name, '', '', FLAGS, GLib.Date.$gtype);
    default:
        return GObject.ParamSpec.string(name, '', '', FLAGS, null);
    }
}

function sqlType({type, length = 0, precision = 0, scale = 0}) {
    const kind = Cupel.SqlKind[KINDS[type]];
    if (precision > 0)
        return Cupel.SqlType.new_numeric(precision, scale);
    return length > 0 ? Cupel.SqlType.new_sized(kind, length) : Cupel.SqlType.new(kind);
}

const VALUES = Symbol('values');
const POINTERS = ['string', 'text', 'bytes', 'datetime', 'timestamp', 'date', 'decimal'];

const mapped = new Map();   // class -> its definition
const pending = new Set();  // not registered: the target of a relationship is still missing

function targetOf(target) {
    if (typeof target !== 'string')
        return mapped.has(target) ? target : null;
    return [...mapped.keys()].find(klass => klass.name === target) ?? null;
}

function setColumnOptions(column, definition) {
    const methods = {
        primaryKey: 'set_primary_key', nullable: 'set_nullable', unique: 'set_unique', index: 'set_index',
        autoincrement: 'set_autoincrement', foreignKey: 'set_foreign_key', onDelete: 'set_on_delete',
    };
    for (const [option, method] of Object.entries(methods)) {
        if (definition[option] !== undefined)
            column[method](definition[option]);
    }
    if (definition.serverDefault !== undefined) {
        column.set_server_default(definition.serverDefault === 'now()'
            ? Cupel.func('now', []) : Cupel.text(definition.serverDefault));
    }
}

// Maps what can be mapped: a class at its first use, when those that it refers to are there.
function configure() {
    for (const klass of pending) {
        const {table, columns, relationships} = mapped.get(klass);
        const targets = Object.values(relationships).map(({target}) => targetOf(target));
        if (targets.includes(null))
            continue;

        pending.delete(klass);
        const mapper = Cupel.Mapper.new(klass.$gtype, table);
        for (const [name, definition] of Object.entries(columns))
            setColumnOptions(mapper.add_column(name, sqlType(definition)), definition);
        Object.entries(relationships).forEach(([name, definition], n) => {
            const {kind, loader = null, foreignKey = null, backPopulates = null, orderBy = null,
                cascade = Cupel.Cascade.SAVE_UPDATE, passiveDeletes = false} = definition;
            mapper.add_relationship(name, kind === 'belongs-to'
                ? Cupel.RelationshipKind.BELONGS_TO : Cupel.RelationshipKind.HAS_MANY, targets[n].$gtype, loader);
            mapper.set_relationship_options(name, foreignKey, backPopulates, orderBy, cascade, passiveDeletes);
        });
        mapper.register();
    }
}

function gtypeOf(klass) {
    configure();
    if (pending.has(klass)) {
        const missing = Object.values(mapped.get(klass).relationships)
            .filter(({target}) => targetOf(target) === null).map(({target}) => target.name ?? target);
        throw new TypeError(`${klass.name} refers to ${missing.join(', ')}, and there is no mapped class of that name`);
    }
    return klass.$gtype ?? klass;
}

// A column is null when it is NULL, and throws when it is not loaded. GObject reads and writes properties here too, but only
// what is loaded and not NULL.
function defineColumn(prototype, name, type) {
    Object.defineProperty(prototype, name, {
        configurable: true,
        enumerable: true,
        get() {
            if (!this.is_loaded(name)) {
                const state = this.get_state();
                if (state !== Cupel.EntityState.TRANSIENT && state !== Cupel.EntityState.PENDING)
                    this.require(name);
                return null;
            }
            return this.is_null(name) ? null : this[VALUES]?.[name] ?? null;
        },
        set(value) {
            if (value === undefined)
                value = null;
            if (value === null && !POINTERS.includes(type)) {
                this.set_null(name);
                return;
            }
            if (type === 'bytes' && value instanceof Uint8Array)
                value = new GLib.Bytes(value);
            else if (value instanceof Date)
                value = fromDate(value);
            else if (type === 'decimal' && value !== null)
                value = `${value}`;
            (this[VALUES] ??= {})[name] = value;
            this.notify(name.replaceAll('_', '-'));
        },
    });
}

function defineRelationship(prototype, name, {kind, loader}) {
    Object.defineProperty(prototype, name, {
        configurable: true,
        enumerable: true,
        get() {
            if (kind === 'belongs-to')
                return this.get_related(name);
            return loader === 'write-only' ? this.get_write_only(name) : this.get_list(name);
        },
        set(value) {
            if (kind === 'belongs-to') {
                this.set_related(name, value ?? null);
                return;
            }
            if (loader !== 'write-only')
                [...this.get_list(name)].forEach(related => this.remove(name, related));
            for (const related of value)
                this.append(name, related);
        },
    });
}

// Maps a class that derives from Cupel.Entity, and registers it with GObject; use what it returns:
//
//   const A = Cupel.map(class A extends Cupel.Entity {}, {table: 'a', columns: {...}, relationships: {...}});
//
// A column is {type: 'int', ...}: bool, int, float, string, text, bytes, datetime, timestamp, date, decimal; with primaryKey,
// nullable, unique, index, length, precision, scale, autoincrement, serverDefault, foreignKey, onDelete.
// A relationship is {kind: 'has-many' or 'belongs-to', target: class or its name, ...} with loader, foreignKey, backPopulates,
// orderBy, cascade, passiveDeletes.
function map(klass, {table, columns, relationships = {}, typeName}) {
    const Properties = {};

    for (const [name, {type}] of Object.entries(columns)) {
        if (!(type in KINDS))
            throw new TypeError(`${klass.name}.${name}: no type ${type}; use one of ${Object.keys(KINDS).join(', ')}`);
        Properties[name] = paramSpec(name.replaceAll('_', '-'), type);
        defineColumn(klass.prototype, name, type);
    }
    for (const [name, definition] of Object.entries(relationships))
        defineRelationship(klass.prototype, name, definition);

    // GObject's names are longer
    const GTypeName = typeName ?? (klass.name.length < 3 ? `${klass.name}Entity` : klass.name);
    const registered = GObject.registerClass({GTypeName, Properties}, klass);
    mapped.set(registered, {table: table ?? klass.name.toLowerCase(), columns, relationships});
    pending.add(registered);
    return registered;
}

// -- expressions and statements ---------------------------------------------------------------------------------------

function toExpression(value) {
    return value instanceof Cupel.Expression ? value : Cupel.literal(toValue(value));
}

// The builders of statements, and which argument is an expression.
const BUILDERS = {
    Select: {
        add_column: 0, from: -1, join: 1, outer_join: 1, where: 0, group_by: 0, having: 0, order_by: 0, limit: -1, offset: -1,
        distinct: -1, add_option: -1,
    },
    Insert: {add_column: -1, set: 1, returning: 0},
    Update: {set: 1, where: 0, returning: 0},
    Delete: {where: 0, returning: 0},
};

function chain(prototype, name, position) {
    const method = prototype[name];
    prototype[name] = function (...args) {
        if (position >= 0 && position < args.length && (args[position] !== null || name === 'set'))
            args[position] = toExpression(args[position]);
        method.call(this, ...args);
        return this;
    };
}

// A select of a mapped class, of a table, or of expressions.
function select(...what) {
    if (what.length === 1 && typeof what[0] === 'function')
        return Cupel.Entity.select(gtypeOf(what[0]));
    if (what.length === 1 && what[0] instanceof Cupel.Table)
        return Cupel.Select.new_from_table(what[0]);
    const statement = Cupel.Select.new();
    what.forEach(expression => statement.add_column(expression));
    return statement;
}

const metadatas = new Map();

// The tables of these mapped classes; of all that there are when none is named. A table belongs to one metadata: the same
// classes give the same.
function metadata(...classes) {
    const types = (classes.length > 0 ? classes : [...mapped.keys()]).map(gtypeOf);
    const key = types.map(type => GObject.type_name(type)).sort().join();
    if (!metadatas.has(key))
        metadatas.set(key, Cupel.Entity.metadata(types));
    return metadatas.get(key);
}

// -- iteration --------------------------------------------------------------------------------------------------------

function* iterateList() {
    for (let n = 0; n < this.get_n_items(); n++)
        yield this.get_item(n);
}

function* iterateResult() {
    const entities = this.has_entities();
    for (;;) {
        const item = entities ? this.next() : this.next_row();
        if (item === null)
            return;
        yield item;
    }
}

// Leaving the loop early closes the stream.
async function* iterateStream() {
    const read = this.has_entities() ? this.next_list_async : this.next_rows_async;
    try {
        for (;;) {
            // eslint-disable-next-line no-await-in-loop
            const block = await read.call(this);
            if (block === null || (block.length ?? block.get_n_items()) === 0)
                return;
            yield* block;
        }
    } finally {
        if (!this.is_closed())
            await this.close_async();
    }
}

function addProtocols() {
    Cupel.Result.prototype[Symbol.iterator] = iterateResult;
    Cupel.Stream.prototype[Symbol.asyncIterator] = iterateStream;
    Cupel.Collection.prototype[Symbol.iterator] = iterateList;
    if (!(Symbol.iterator in Gio.ListStore.prototype))
        Gio.ListStore.prototype[Symbol.iterator] = iterateList;
    // A list of the library's own has no class here that could have it.
    const toList = Cupel.Result.prototype.to_list;
    Cupel.Result.prototype.to_list = function () {
        return Object.assign(toList.call(this), {[Symbol.iterator]: iterateList});
    };

    Object.assign(Cupel.Row.prototype, {
        // By position or by name; null for NULL.
        get(key) {
            let column = key;
            if (typeof key === 'string') {
                for (column = 0; column < this.get_n_columns(); column++) {
                    if (this.get_column_name(column) === key)
                        break;
                }
            }
            if (!(column >= 0 && column < this.get_n_columns()))
                throw new RangeError(`no column ${key}`);
            return cell(this, column);
        },
        * [Symbol.iterator]() {
            for (let column = 0; column < this.get_n_columns(); column++)
                yield cell(this, column);
        },
    });

    // The value of an attribute, loaded if need be.
    Cupel.Entity.prototype.awaitable = async function (name) {
        await this.load_async(name);
        return this[name];
    };

    const init = Cupel.Entity.prototype._init;
    Cupel.Entity.prototype._init = function (values = {}) {
        gtypeOf(this.constructor);
        init.call(this);
        for (const [name, value] of Object.entries(values)) {
            if (!(name in this))
                throw new TypeError(`${this.constructor.name} has no attribute ${name}`);
            this[name] = value;
        }
    };
}

function takeClasses() {
    for (const name of ['attr', 'selectinload', 'raiseload', 'lazyload']) {
        const method = Cupel[name];
        Object.defineProperty(Cupel, name, {value: (klass, ...args) => method(gtypeOf(klass), ...args)});
    }
    for (const name of ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'like']) {
        const method = Cupel[name];
        Object.defineProperty(Cupel, name, {value: (left, right) => method(toExpression(left), toExpression(right))});
    }
}

var _init = function () {   // eslint-disable-line no-var, no-unused-vars
    Cupel = this;

    for (const [type, calls] of Object.entries(ARGUMENTS)) {
        for (const [name, args] of Object.entries(calls))
            promisify(Cupel[type].prototype, name, args);
    }
    for (const [type, methods] of Object.entries(BUILDERS)) {
        for (const [name, position] of Object.entries(methods))
            chain(Cupel[type].prototype, name, position);
    }
    addProtocols();
    takeClasses();
    Cupel.map = map;
    Cupel.select = select;
    Cupel.metadata = metadata;
    Cupel.value = toValue;
    Cupel.parameters = toParameters;
};
