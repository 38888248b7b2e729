#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a language binding and the reference need of the GIR, beyond what the scanner warns of. Prints TAP.

usage: check-gir.py GIR
"""

import sys
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'
CALLABLES = [CORE + tag for tag in ('function', 'method', 'constructor')]


def callables(namespace):
    """(container, callable) of each C function."""
    for container in [namespace] + [e for e in namespace if e.get('name')]:
        for element in container:
            if element.tag in CALLABLES and element.get('moved-to') is None:
                yield container, element


def has_doc(element):
    return element is not None and element.find(CORE + 'doc') is not None


def check_found(namespace):
    n = sum(1 for _ in callables(namespace))
    if n < 200:
        yield f'only {n} functions found'


def check_documented(namespace):
    for _, function in callables(namespace):
        if not has_doc(function):
            yield function.get(C + 'identifier')


def check_since(namespace):
    for _, function in callables(namespace):
        if has_doc(function) and function.get('version') is None:
            yield function.get(C + 'identifier')


def check_parameters(namespace):
    for _, function in callables(namespace):
        if not has_doc(function):
            continue
        for parameter in function.iterfind(f'{CORE}parameters/*'):
            if not has_doc(parameter):
                yield f'{function.get(C + "identifier")}: @{parameter.get("name")}'


def check_returns(namespace):
    for _, function in callables(namespace):
        value = function.find(CORE + 'return-value')
        kind = value.find(CORE + 'type')
        if has_doc(function) and not has_doc(value) and (kind is None or kind.get('name') != 'none'):
            yield function.get(C + 'identifier')


def check_types_documented(namespace):
    for element in namespace:
        if element.tag in [CORE + tag for tag in ('class', 'interface', 'enumeration', 'bitfield', 'callback')] or (
                element.tag == CORE + 'record' and element.get(GLIB + 'is-gtype-struct-for') is None and
                not element.get('name').endswith('Private')):
            if not has_doc(element):
                yield element.get(C + 'type')


def check_async_pairs(namespace):
    for container, function in callables(namespace):
        name = function.get('name')
        if name.endswith('_async'):
            names = [e.get('name') for e in container if e.tag in CALLABLES and
                     e.get('introspectable') == function.get('introspectable')]
            if name[:-len('_async')] + '_finish' not in names:
                yield f'{function.get(C + "identifier")}: no _finish beside it'


def check_pointers(namespace):
    """A binding can do nothing with an untyped pointer."""
    for _, function in callables(namespace):
        if function.get('introspectable') == '0':
            continue
        kind = function.find(f'{CORE}return-value/{CORE}type')
        if kind is not None and kind.get('name') == 'gpointer':
            yield f'{function.get(C + "identifier")} returns a gpointer'


def check_instantiable(namespace):
    """A class or boxed type that a binding sees has a GType."""
    for element in namespace:
        if element.tag in (CORE + 'class', CORE + 'record') and element.get('introspectable') != '0':
            if element.get(GLIB + 'get-type') is None and element.get(GLIB + 'is-gtype-struct-for') is None:
                yield f'{element.get(C + "type")} has no GType: register it, or (skip) it'


def main(path):
    namespace = ElementTree.parse(path).getroot().find(CORE + 'namespace')
    checks = [check_found, check_documented, check_since, check_parameters, check_returns, check_types_documented,
              check_async_pairs, check_pointers, check_instantiable]
    failed = False
    print(f'1..{len(checks)}')
    for number, check in enumerate(checks, 1):
        problems = list(check(namespace))
        for problem in problems:
            print(f'# {problem}')
        print(f'{"not ok" if problems else "ok"} {number} /gir/{check.__name__[len("check_"):].replace("_", "-")}')
        failed = failed or bool(problems)
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
