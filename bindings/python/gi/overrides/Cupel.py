# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cupel for Python: an override of PyGObject's gi.repository.Cupel.

It adds to the introspected library:

- every `_async` method, called without a callback, returns something to await;
- Cupel.run() runs a coroutine on asyncio and the GLib main context at once; Cupel.spawn() starts one on a main loop
  that is running already;
- mapped classes: Cupel.Entity with Cupel.Column, Cupel.HasMany and Cupel.BelongsTo;
- `async with` for engines, connections, sessions, streams and transactions, `async for` for streams;
- iteration over results, access to the values of rows, operators for expressions.
"""

import asyncio
import contextlib
import datetime
import decimal
import operator
import selectors
import signal
import threading

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio, GLib, GObject

Cupel = get_introspection_module('Cupel')

__all__ = []


def export(thing):
    __all__.append(thing.__name__)
    return thing


# -- awaiting ----------------------------------------------------------------------------------------------------------

class _Future(asyncio.Future):
    """An operation awaited by a task of asyncio: it ends when the operation does, also when it is cancelled, so that
    what was interrupted can be used again at once."""

    def __init__(self, operation, loop):
        super().__init__(loop=loop)
        self._operation = operation
        self._cancelled_by = None
        operation.add_done_callback(self._on_done)

    def cancel(self, msg=None):
        if self.done():
            return False
        self._cancelled_by = (msg,)
        self._operation.cancel()
        return True

    def _on_done(self, operation):
        if self._cancelled_by is not None:
            super().cancel(*self._cancelled_by)
        elif operation.error is not None:
            self.set_exception(operation.error)
        else:
            self.set_result(operation.value)


class _Operation:
    """One call of an `_async` method. It is under way already; await it once or more, or use it in `async with` for what it
    returns."""

    def __init__(self, start, finish, source, args, cancellable):
        self.value = self.error = None
        self.is_done = False
        self._callbacks = []
        self._cancellable = cancellable or Gio.Cancellable()
        self._finish = finish
        start(source, *args, self._cancellable, self._on_ready)

    def _on_ready(self, source, result, *_):
        try:
            self.value = self._finish(source, result)
        except GLib.Error as error:
            self.error = error
        self.is_done = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def add_done_callback(self, callback):
        if self.is_done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def cancel(self):
        self._cancellable.cancel()

    def __await__(self):
        if not self.is_done:
            loop = asyncio._get_running_loop()
            if loop is not None:
                return (yield from _Future(self, loop))
            yield self
        if self.error is not None:
            raise self.error
        return self.value

    async def __aenter__(self):
        entered = await self
        self._entered = entered
        return await entered.__aenter__()

    async def __aexit__(self, *what):
        return await self._entered.__aexit__(*what)


def _make_awaitable(cls, start, finish):
    names = [argument.get_name() for argument in start.get_arguments()]
    n_before = names.index('cancellable')
    optional = {'parameters': None, 'block_rows': 0, 'names': None, 'isolation': Cupel.IsolationLevel.DEFAULT,
                'flags': Cupel.BeginFlags.NONE}
    defaults = {n: optional[name] for n, name in enumerate(names[:n_before]) if name in optional}

    def call(self, *args, cancellable=None, callback=None, user_data=None, **keywords):
        if callback is not None or len(args) > n_before + 1:
            if callback is not None:
                args += (cancellable,) * (len(args) <= n_before) + (callback,)
                args += () if user_data is None else (user_data,)
            return start(self, *args, **keywords)
        if len(args) > n_before:
            *args, cancellable = args
        args = list(args)
        for n in range(len(args), n_before):
            if names[n] in keywords:
                args.append(keywords.pop(names[n]))
            elif n in defaults:
                args.append(defaults[n])
            else:
                raise TypeError(f'{call.__qualname__}() misses the argument {names[n]}')
        if keywords:
            raise TypeError(f'{call.__qualname__}() has no argument {next(iter(keywords))}')
        for n in range(n_before):
            if names[n] == 'parameters':
                args[n] = _parameters(args[n])
            elif names[n] == 'key':
                args[n] = _value(args[n])
        return _Operation(start, finish, self, args, cancellable)

    call.__name__ = start.__name__
    call.__qualname__ = f'{cls.__name__}.{start.__name__}'
    call.__doc__ = f'{start.__doc__}\n\nWithout a callback it returns something to await.'
    return call


def _make_all_awaitable():
    for name in dir(Cupel):
        cls = getattr(Cupel, name)
        if not isinstance(cls, type) or not issubclass(cls, GObject.Object):
            continue
        for method in list(vars(cls)):
            if method.endswith('_async') and hasattr(cls, method[:-6] + '_finish'):
                setattr(cls, method, _make_awaitable(cls, vars(cls)[method], getattr(cls, method[:-6] + '_finish')))


# -- running -----------------------------------------------------------------------------------------------------------

class _Source(GLib.Source):
    """Ready when a descriptor is, or at a time."""

    def __init__(self, fd, step):
        super().__init__()
        self._step = step
        self._poll = GLib.PollFD(fd, GLib.IOCondition.IN | GLib.IOCondition.ERR | GLib.IOCondition.HUP)
        self.add_poll(self._poll)

    def prepare(self):
        return False, -1

    def check(self):
        return bool(self._poll.revents)

    def dispatch(self, callback, args):
        self.set_ready_time(-1)
        self._step()
        return GLib.SOURCE_CONTINUE


class _Selector(selectors.EpollSelector):
    """Asks only: waiting is GLib's."""

    def select(self, timeout=None):
        return super().select(0)


@export
class EventLoop(asyncio.SelectorEventLoop):
    """An event loop of asyncio that is one source of a GLib main context: waiting for one is waiting for both. What it calls is
    called by the main context, as anything else on a main loop is."""

    def __init__(self, context=None):
        selector = _Selector()
        super().__init__(selector)
        self._context = context or GLib.MainContext.ref_thread_default()
        self._error = None
        self._source = _Source(selector.fileno(), self._step)
        self._source.attach(self._context)

    def _step(self):
        try:
            super()._run_once()
        except BaseException as error:
            # GLib would drop it
            self._error = error

    def _run_once(self):
        if self._ready or self._stopping:
            self._source.set_ready_time(0)
        elif self._scheduled:
            wait = max(0, self._scheduled[0].when() - self.time())
            self._source.set_ready_time(GLib.get_monotonic_time() + int(wait * 1e6) + 1)
        self._context.iteration(True)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self):
        if not self.is_closed():
            self._source.destroy()
        super().close()


@export
def run(coroutine, *, debug=None):
    """Runs a coroutine to its end, as asyncio.run() does, and returns what it returns. The GLib main context runs meanwhile:
    timers, signals and other GIO calls go on."""
    interrupted = False

    async def body():
        nonlocal interrupted
        task = asyncio.current_task()

        def interrupt():
            nonlocal interrupted
            interrupted = True
            task.cancel()

        if threading.current_thread() is threading.main_thread() and \
                signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        return await coroutine

    with contextlib.closing(EventLoop()) as loop:
        if debug is not None:
            loop.set_debug(debug)
        try:
            return loop.run_until_complete(body())
        except asyncio.CancelledError:
            if interrupted:
                raise KeyboardInterrupt from None
            raise
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True) if tasks else asyncio.sleep(0, None))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.remove_signal_handler(signal.SIGINT)


@export
def spawn(coroutine, callback=None):
    """Starts a coroutine on the main loop that runs already, of a GTK application for instance, without asyncio: it may await
    Cupel's calls only. `callback (value, error)` is called at its end; without one an error is printed."""

    def step(operation):
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:
            if callback is not None:
                callback(stop.value, None)
        except Exception as error:
            if callback is None:
                raise
            callback(None, error)
        else:
            if not isinstance(awaited, _Operation):
                coroutine.throw(TypeError('Cupel.spawn() awaits calls of Cupel only; use Cupel.run() for those of asyncio'))
            awaited.add_done_callback(step)

    step(None)


# -- values ------------------------------------------------------------------------------------------------------------

def _glib_datetime(value):
    """A datetime with a zone is an instant; one without is the wall clock that it shows."""
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc)
    return GLib.DateTime.new(GLib.TimeZone.new_utc(), value.year, value.month, value.day, value.hour, value.minute,
                             value.second + value.microsecond / 1e6)


def _python_datetime(value):
    value = value.to_utc()
    return datetime.datetime(value.get_year(), value.get_month(), value.get_day_of_month(), value.get_hour(),
                             value.get_minute(), value.get_second(), value.get_microsecond())


def _value(value):
    """A Cupel.Value of any value of Python that SQL knows."""
    if isinstance(value, Cupel.Value):
        return value
    if value is None:
        return Cupel.Value.new_null()
    if isinstance(value, bool):
        return Cupel.Value.new_boolean(value)
    if isinstance(value, int):
        return Cupel.Value.new_int64(value)
    if isinstance(value, float):
        return Cupel.Value.new_double(value)
    if isinstance(value, (str, decimal.Decimal)):
        return Cupel.Value.new_string(str(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Cupel.Value.new_bytes(GLib.Bytes.new(bytes(value)))
    if isinstance(value, GLib.Bytes):
        return Cupel.Value.new_bytes(value)
    if isinstance(value, datetime.datetime):
        return Cupel.Value.new_datetime(_glib_datetime(value))
    if isinstance(value, GLib.DateTime):
        return Cupel.Value.new_datetime(value)
    raise TypeError(f'no SQL value can be made of a {type(value).__name__}')


def _parameters(values):
    """Cupel.Parameters of a dict, or of a list of dicts: one set for each."""
    if values is None or isinstance(values, Cupel.Parameters):
        return values
    parameters = Cupel.Parameters.new()
    for n, one in enumerate([values] if isinstance(values, dict) else values):
        if n > 0:
            parameters.next()
        for name, value in one.items():
            parameters.set(name, _value(value))
    return parameters


def _plain(value):
    return value.get_data() if isinstance(value, GLib.Bytes) else value


def _cell(holder, column):
    if holder.is_null(column):
        return None
    return _plain(holder.get_value(column)[1])


# -- expressions -------------------------------------------------------------------------------------------------------

def _expression(value):
    if isinstance(value, Cupel.Expression):
        return value
    if isinstance(value, _Attribute):
        return value.expression()
    return Cupel.literal(_value(value))


class _Operators:
    """What expressions and mapped columns have in common: A.id == 1, A.data.like ('a%'), A.id.desc ()."""

    __hash__ = object.__hash__

    def __eq__(self, other):
        return Cupel.eq(_expression(self), _expression(other))

    def __ne__(self, other):
        return Cupel.ne(_expression(self), _expression(other))

    def __lt__(self, other):
        return Cupel.lt(_expression(self), _expression(other))

    def __le__(self, other):
        return Cupel.le(_expression(self), _expression(other))

    def __gt__(self, other):
        return Cupel.gt(_expression(self), _expression(other))

    def __ge__(self, other):
        return Cupel.ge(_expression(self), _expression(other))

    def __and__(self, other):
        return getattr(Cupel, 'and')(_expression(self), _expression(other))

    def __or__(self, other):
        return getattr(Cupel, 'or')(_expression(self), _expression(other))

    def __invert__(self):
        return getattr(Cupel, 'not')(_expression(self))

    def like(self, pattern):
        return Cupel.like(_expression(self), _expression(pattern))

    def in_(self, values):
        return getattr(Cupel, 'in')(_expression(self), [_value(value) for value in values])

    def asc(self):
        return Cupel.asc(_expression(self))

    def desc(self):
        return Cupel.desc(_expression(self))


def _add_operators():
    for name, function in vars(_Operators).items():
        if callable(function):
            setattr(Cupel.Expression, name, function)
    # A wrapper is compared with others by identity nowhere: an expression is a tree, not a value.
    Cupel.Expression.__hash__ = object.__hash__


# -- mapped classes ----------------------------------------------------------------------------------------------------

_KINDS = {
    bool: (Cupel.SqlKind.BOOLEAN, GObject.TYPE_BOOLEAN),
    int: (Cupel.SqlKind.INT64, GObject.TYPE_INT64),
    float: (Cupel.SqlKind.DOUBLE, GObject.TYPE_DOUBLE),
    str: (Cupel.SqlKind.STRING, GObject.TYPE_STRING),
    bytes: (Cupel.SqlKind.BYTES, GLib.Bytes),
    decimal.Decimal: (Cupel.SqlKind.NUMERIC, GObject.TYPE_STRING),
    GLib.DateTime: (Cupel.SqlKind.DATETIME, GLib.DateTime),
    datetime.datetime: (Cupel.SqlKind.DATETIME, GLib.DateTime),
    GLib.Date: (Cupel.SqlKind.DATE, GLib.Date),
}

_IN = {bytes: GLib.Bytes.new, decimal.Decimal: str, datetime.datetime: _glib_datetime}
_OUT = {bytes: GLib.Bytes.get_data, decimal.Decimal: decimal.Decimal, datetime.datetime: _python_datetime}

_UNSAVED = (Cupel.EntityState.TRANSIENT, Cupel.EntityState.PENDING)


class _Attribute(GObject.Property):
    """A column of a mapped class: a GObject property that can be None, and an expression when read from the class."""

    def __init__(self, type, *, kind=None, length=0, precision=0, scale=0, primary_key=False, nullable=True, unique=False,
                 index=False, autoincrement=None, server_default=None, foreign_key=None, on_delete=None):
        if type not in _KINDS:
            raise TypeError(f'no column can be made of {type}; use one of {", ".join(t.__name__ for t in _KINDS)}')
        default_kind, gtype = _KINDS[type]
        super().__init__(type=gtype, default=False if type is bool else None)
        if gtype == GObject.TYPE_STRING:
            self.default = None
        self.owner = None
        self._python_type = type
        self._kind = default_kind if kind is None else kind
        self._size = (length, precision, scale)
        self._options = dict(primary_key=primary_key or None, nullable=None if nullable else False, unique=unique or None,
                             index=index or None, autoincrement=autoincrement, foreign_key=foreign_key, on_delete=on_delete)
        self._server_default = server_default

    def __set_name__(self, owner, name):
        self.owner = owner
        self.name = name

    def __get__(self, instance, owner):
        if instance is None:
            return self
        if not instance.is_loaded(self.name):
            if instance.get_state() in _UNSAVED:
                return None
            instance.require(self.name)
        if instance.is_null(self.name):
            return None
        value = self.fget(instance)
        convert = _OUT.get(self._python_type)
        return value if value is None or convert is None else convert(value)

    def __set__(self, instance, value):
        if value is None:
            instance.set_null(self.name)
            return
        convert = _IN.get(self._python_type)
        if convert is not None and isinstance(value, self._python_type):
            value = convert(value)
        instance.set_property(self.name, value)

    def expression(self):
        _configure(self.owner)
        return Cupel.attr(self.owner.__gtype__, self.name)

    def map(self, mapper):
        length, precision, scale = self._size
        if precision:
            sql_type = Cupel.SqlType.new_numeric(precision, scale)
        elif length:
            sql_type = Cupel.SqlType.new_sized(self._kind, length)
        else:
            sql_type = Cupel.SqlType.new(self._kind)
        column = mapper.add_column(self.name, sql_type)
        for name, value in self._options.items():
            if value is not None:
                getattr(column, 'set_' + name)(value)
        default = self._server_default
        if isinstance(default, str):
            default = Cupel.func('now', []) if default.lower() == 'now()' else Cupel.text(default)
        if default is not None:
            column.set_server_default(default)


for _name, _function in vars(_Operators).items():
    if callable(_function):
        setattr(_Attribute, _name, _function)


class _Relationship:
    def __init__(self, target, *, loader=None, foreign_key=None, back_populates=None, order_by=None,
                 cascade=Cupel.Cascade(0), passive_deletes=False):
        self.target, self.loader = target, loader
        self._options = (foreign_key, back_populates, order_by, cascade, passive_deletes)

    def __set_name__(self, owner, name):
        self.owner = owner
        self.name = name

    def map(self, mapper, target):
        mapper.add_relationship(self.name, self.kind, target.__gtype__, self.loader)
        mapper.set_relationship_options(self.name, *self._options)


@export
class HasMany(_Relationship):
    """A relationship to a class that refers to this one: its value is a collection."""

    kind = Cupel.RelationshipKind.HAS_MANY

    def __get__(self, instance, owner):
        if instance is None:
            return self
        _configure(type(instance))
        return instance.get_write_only(self.name) if self.loader == 'write-only' else instance.get_list(self.name)

    def __set__(self, instance, values):
        _configure(type(instance))
        if self.loader != 'write-only':
            for related in list(instance.get_list(self.name)):
                instance.remove(self.name, related)
        for related in values:
            instance.append(self.name, related)


@export
class BelongsTo(_Relationship):
    """A relationship to a class that this one refers to: its value is one entity, or None."""

    kind = Cupel.RelationshipKind.BELONGS_TO

    def __get__(self, instance, owner):
        if instance is None:
            return self
        _configure(type(instance))
        return instance.get_related(self.name)

    def __set__(self, instance, value):
        _configure(type(instance))
        instance.set_related(self.name, value)


_classes = {}       # by name, those of Python
_pending = []       # not mapped yet: a relationship's target is still missing


def _targets(cls):
    """The relationships with their classes, or None for one that is not there yet."""
    found = [(r, _classes.get(r.target) if isinstance(r.target, str) else r.target) for r in cls._relationships]
    return found if all(target is not None for _, target in found) else None


def _map_pending():
    for cls in list(_pending):
        targets = _targets(cls)
        if targets is None:
            continue
        _pending.remove(cls)
        mapper = Cupel.Mapper.new(cls.__gtype__, cls.__tablename__)
        for attribute in cls._attributes:
            attribute.map(mapper)
        for relationship, target in targets:
            relationship.map(mapper, target)
        mapper.register()


def _configure(cls):
    """Maps a class at its first use: then the classes that it refers to are there."""
    if not _pending:
        return
    _map_pending()
    if cls in _pending:
        missing = [r.target for r in cls._relationships if isinstance(r.target, str) and r.target not in _classes]
        raise TypeError(f'{cls.__name__} refers to {", ".join(missing)}, and there is no mapped class of that name')


def _get_raw_property(self, pspec):
    """What GObject gets, which knows nothing of Python's own types."""
    attribute = getattr(type(self), pspec.name.replace('-', '_'))
    return attribute.fget(self)


class _EntityType(type(Cupel.Entity)):
    def __init__(cls, *args):
        super().__init__(*args)
        if any(isinstance(value, GObject.Property) for value in vars(cls).values()):
            cls.do_get_property = _get_raw_property


class Entity(Cupel.Entity, metaclass=_EntityType):
    """The base of a mapped class. `__tablename__` is the class's name in lower case unless it is given."""

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        cls._attributes = [value for value in vars(cls).values() if isinstance(value, _Attribute)]
        cls._relationships = [value for value in vars(cls).values() if isinstance(value, _Relationship)]
        if not cls._attributes:
            return
        if '__tablename__' not in vars(cls):
            cls.__tablename__ = cls.__name__.lower()
        if len(vars(cls).get('__gtype_name__', 'long')) < 3:
            # GObject's names are longer
            cls.__gtype_name__ += 'Entity'
        _classes[cls.__name__] = cls
        _pending.append(cls)

    def __init__(self, **values):
        super().__init__()
        _configure(type(self))
        for name, value in values.items():
            if not isinstance(getattr(type(self), name, None), (GObject.Property, _Relationship)):
                raise TypeError(f'{type(self).__name__} has no attribute {name}')
            setattr(self, name, value)

    async def awaitable(self, name):
        """The value of an attribute, loaded if need be."""
        await self.load_async(name)
        return getattr(self, name)

    def __repr__(self):
        return f'<{type(self).__name__} ' + ', '.join(
            f'{a.name}={getattr(self, a.name)!r}' for a in self._attributes if self.is_loaded(a.name)) + '>'


Entity = override(Entity)
__all__.append('Entity')


class Column(Cupel.Column):
    """In a mapped class, Cupel.Column (int, primary_key=True) is a column of it; Cupel.Column.new() makes one of a table."""

    def __new__(cls, *args, **keywords):
        return _Attribute(*args, **keywords)


Column = override(Column)
__all__.append('Column')


def _gtype(cls):
    if isinstance(cls, type) and issubclass(cls, Entity):
        _configure(cls)
        return cls.__gtype__
    return cls


_metadatas = {}     # by the names of the classes


@export
def metadata(*classes):
    """The tables of these mapped classes; of all that there are when none is named. A table belongs to one metadata: the same
    classes give the same."""
    types = [_gtype(cls) for cls in classes or list(_classes.values())]
    key = frozenset(gtype.name for gtype in types)
    if key not in _metadatas:
        _metadatas[key] = Cupel.Entity.metadata(types)
    return _metadatas[key]


@export
def select(*what):
    """A select of a mapped class, of a table, or of expressions."""
    if len(what) == 1 and isinstance(what[0], type):
        return Cupel.Entity.select(_gtype(what[0]))
    if len(what) == 1 and isinstance(what[0], Cupel.Table):
        return Cupel.Select.new_from_table(what[0])
    statement = Cupel.Select.new()
    for expression in what:
        statement.add_column(_expression(expression))
    return statement


def _loader(name):
    function = getattr(Cupel, name)

    def option(*what):
        if len(what) == 1:
            return function(_gtype(what[0].owner), what[0].name)
        return function(_gtype(what[0]), what[1])

    option.__name__ = name
    option.__doc__ = f'{name} (A.bs), or {name} (A, "bs"): how a relationship is loaded with a select.'
    return option


for _name in 'selectinload', 'raiseload', 'lazyload':
    globals()[_name] = _loader(_name)
    __all__.append(_name)


# The builders of statements, and which argument is an expression.
_BUILDERS = {
    'Select': {'add_column': 0, 'from_': None, 'join': 1, 'outer_join': 1, 'where': 0, 'group_by': 0, 'having': 0, 'order_by': 0,
               'limit': None, 'offset': None, 'distinct': None, 'add_option': None},
    'Insert': {'add_column': None, 'set': 1, 'returning': 0},
    'Update': {'set': 1, 'where': 0, 'returning': 0},
    'Delete': {'where': 0, 'returning': 0},
}


def _chaining(method, position):
    def call(self, *args):
        args = list(args)
        if position is not None and position < len(args) and (args[position] is not None or method.__name__ == 'set'):
            args[position] = _expression(args[position])
        method(self, *args)
        return self

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


def _chain():
    """Statements are built by calls that follow each other; values become literals."""
    for name, methods in _BUILDERS.items():
        cls = getattr(Cupel, name)
        for method, position in methods.items():
            setattr(cls, method, _chaining(vars(cls)[method], position))


# -- sessions, connections, results ------------------------------------------------------------------------------------

async def _aenter(self):
    return self


async def _aexit(self, *_):
    await self.close_async()


async def _engine_aexit(self, *_):
    await self.dispose_async()


@contextlib.asynccontextmanager
async def _transaction(self):
    """async with session.transaction (): committed at the end of the block, rolled back if it raises."""
    try:
        yield self
    except BaseException:
        await self.rollback_async()
        raise
    await self.commit_async()


@contextlib.asynccontextmanager
async def _engine_transaction(self):
    """async with engine.transaction () as connection: likewise, on a connection of its own."""
    async with self.connect_async() as connection, _transaction(connection):
        yield connection


async def _transaction_aexit(self, kind, *_):
    """async with connection.begin_nested_async (): committed at the end of the block, rolled back if it raises; one that was ended in the
    block is left alone."""
    if kind is not None:
        await self.rollback_async()
    elif self.is_active():
        try:
            await self.commit_async()
        except BaseException:
            await self.rollback_async()
            raise


async def _run_transaction(self, function, retry=None):
    """await engine.run_transaction (function): awaits function (connection) in a transaction, again from the beginning on another connection
    when it lost a race, and returns what it returns."""
    retry = retry or Cupel.Retry.new()
    flags = Cupel.BeginFlags.READ_ONLY if retry.props.read_only else Cupel.BeginFlags.NONE
    if retry.props.deferrable:
        flags |= Cupel.BeginFlags.DEFERRABLE
    start = GLib.get_monotonic_time()
    tries = 0
    while True:
        tries += 1
        try:
            async with self.connect_async() as connection:
                async with connection.begin_transaction_async(retry.props.isolation_level, flags):
                    result = await function(connection)
                return result
        except GLib.Error as error:
            delay = retry.get_delay(tries, GLib.get_monotonic_time() - start, error)
            if delay < 0:
                raise
        await asyncio.sleep(delay / 1e6)


async def _stream_aiter(self):
    read = self.next_list_async if self.has_entities() else self.next_rows_async
    while True:
        block = await read()
        if not block:
            return
        for item in block:
            yield item


def _result_iter(self):
    read = self.next if self.has_entities() else self.next_row
    while True:
        item = read()
        if item is None:
            return
        yield item


def _row_index(self, key):
    if isinstance(key, str):
        for column in range(self.get_n_columns()):
            if self.get_column_name(column) == key:
                return column
        raise KeyError(key)
    key = operator.index(key)
    if key < 0:
        key += self.get_n_columns()
    if not 0 <= key < self.get_n_columns():
        raise IndexError(key)
    return key


def _session_get(self, what, key, cancellable=None):
    """The entity with a key, from memory or from the database: something to await."""
    return _get_async(self, _gtype(what), key, cancellable)


def _add_protocols():
    for cls in Cupel.Session, Cupel.Connection, Cupel.Stream:
        cls.__aenter__, cls.__aexit__ = _aenter, _aexit
    Cupel.Engine.__aenter__, Cupel.Engine.__aexit__ = _aenter, _engine_aexit
    Cupel.Engine.transaction = _engine_transaction
    Cupel.Engine.run_transaction = _run_transaction
    Cupel.Transaction.__aenter__, Cupel.Transaction.__aexit__ = _aenter, _transaction_aexit
    Cupel.Session.transaction = Cupel.Connection.transaction = _transaction
    Cupel.Stream.__aiter__ = _stream_aiter
    Cupel.Result.__iter__ = _result_iter
    Cupel.Row.__len__ = Cupel.Row.get_n_columns
    Cupel.Row.__getitem__ = lambda self, key: _cell(self, _row_index(self, key))
    Cupel.Row.__iter__ = lambda self: (_cell(self, column) for column in range(self.get_n_columns()))
    Cupel.Row.__repr__ = Cupel.Row.to_string
    Cupel.Session.get_async = _session_get


_make_all_awaitable()
_get_async = Cupel.Session.get_async
_add_operators()
_chain()
_add_protocols()
