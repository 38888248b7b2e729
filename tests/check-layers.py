#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may include whom, and what every source file and every installed header must have. Prints TAP.

usage: check-layers.py SOURCE-FOLDER
"""

import os
import re
import sys

LAYERS = ['runtime', 'sql', 'engine', 'orm']
SOURCES = ('.c', '.h', '.py', '.sh', '.js', '.vala', 'meson.build', 'meson_options.txt')
CLIENT_HEADERS = re.compile(r'^(libpq|libpq-fe\.h|libpq-events\.h|postgres_ext\.h|pg_config.*|catalog/|'
                            r'mysql|mariadb|mysqld_error\.h|errmsg\.h|sqlite3?(ext)?\.h|dbi)')
DIALECTS = re.compile(r'(?<![a-z])(postgresql|postgres|pgsql|libpq|mysql|mariadb|sqlite3?|libdbi|dbi)(?![a-z])', re.I)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
# Comments and literals, so that one is not taken for the other.
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def walk(root, folder):
    """The files of a folder, without build trees and what hides."""
    for place, folders, files in os.walk(os.path.join(root, folder)):
        folders[:] = sorted(f for f in folders if not f.startswith('.') and f != '__pycache__' and f != 'subprojects'
                            and not os.path.exists(os.path.join(place, f, 'meson-private')))
        for name in sorted(files):
            yield os.path.relpath(os.path.join(place, name), root)


def includes(text):
    """(line, bracket, file) of each include that is not in a comment."""
    text = TOKEN.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]) if m[0][0] == '/' else m[0], text)
    for match in INCLUDE.finditer(text):
        yield text.count('\n', 0, match.start(2)) + 1, match[1], match[2]


def string_literals(text):
    for match in TOKEN.finditer(text):
        if match[0][0] == '"':
            line_start = text.rfind('\n', 0, match.start()) + 1
            if not re.match(r'[ \t]*#[ \t]*include', text[line_start:match.start()]):
                yield text.count('\n', 0, match.start()) + 1, match[0]


def check_core_includes(root):
    for path in walk(root, 'core'):
        if not path.endswith(('.c', '.h')):
            continue
        parts = path.split(os.sep)
        if len(parts) == 2:    # cupel.h and cupel-dialect.h bring everything
            continue
        layer = parts[1]
        if layer not in LAYERS or len(parts) != 3:
            yield f'{path}: not in a folder of a layer ({", ".join(LAYERS)})'
            continue
        for line, bracket, file in includes(read(os.path.join(root, path))):
            where = f'{path}:{line}'
            if CLIENT_HEADERS.match(file):
                yield f'{where}: core includes a database client: {file}'
            if bracket == '<':
                if file.startswith('cupel') or file.split('/')[0] in LAYERS:
                    yield f'{where}: own headers are included as "layer/cupel-x.h": {file}'
                continue
            other = file.split('/')[0]
            if other not in LAYERS or file.count('/') != 1:
                yield f'{where}: own headers are included as "layer/cupel-x.h": {file}'
            elif LAYERS.index(other) > LAYERS.index(layer):
                yield f'{where}: {layer} must not know {other}: {file}'
            elif path.endswith('.h') and not path.endswith('-private.h') and file.endswith('-private.h'):
                yield f'{where}: an installed header includes a private one: {file}'


def check_core_literals(root):
    for path in walk(root, 'core'):
        if path.endswith(('.c', '.h')):
            for line, literal in string_literals(read(os.path.join(root, path))):
                found = DIALECTS.search(literal)
                if found:
                    yield f'{path}:{line}: core names a dialect or driver, {found[0]}: {literal}'


def check_module_includes(root):
    for folder in ('dialects', 'plugins'):
        for path in walk(root, folder):
            if not path.endswith(('.c', '.h')):
                continue
            # Its folder, with the variants below it that the build chooses from
            place = os.sep.join(path.split(os.sep)[:2]) if folder == 'dialects' else os.path.dirname(path)
            own = {os.path.basename(file) for file in walk(root, place)}
            for line, bracket, file in includes(read(os.path.join(root, path))):
                where = f'{path}:{line}'
                if bracket == '"':
                    if '/' in file or file not in own:
                        yield f'{where}: a module includes <cupel-dialect.h>, its own folder and the system: "{file}"'
                elif file.split('/')[0] in LAYERS or (file.startswith('cupel') and
                                                      file not in ('cupel.h', 'cupel-dialect.h')):
                    yield f'{where}: a module includes <cupel-dialect.h>, its own folder and the system: <{file}>'


def check_installed_headers(root):
    umbrellas = read(os.path.join(root, 'core', 'cupel.h')) + read(os.path.join(root, 'core', 'cupel-dialect.h'))
    for path in walk(root, 'core'):
        if not path.endswith('.h') or path.endswith('-private.h') or path.count(os.sep) != 2:
            continue
        text = read(os.path.join(root, path))
        layer, name = path.split(os.sep)[1:]
        if '#pragma once' not in text:
            yield f'{path}: no "#pragma once"'
        if not re.search(r'#if !defined \(CUPEL_INSIDE\) && !defined \(CUPEL_COMPILATION\)\n# error ', text):
            yield f'{path}: can be included directly: the test of CUPEL_INSIDE is missing'
        if 'G_BEGIN_DECLS' not in text or 'G_END_DECLS' not in text:
            yield f'{path}: no G_BEGIN_DECLS and G_END_DECLS'
        if f'#include "{layer}/{name}"' not in umbrellas:
            yield f'{path}: neither in cupel.h nor in cupel-dialect.h (a private header is named *-private.h)'
        if f"'{name}'" not in read(os.path.join(root, 'core', layer, 'meson.build')):
            yield f'{path}: not in core/{layer}/meson.build'
    for layer in LAYERS:
        for name in re.findall(r"'([^']+-private\.h)'", read(os.path.join(root, 'core', layer, 'meson.build'))):
            yield f'core/{layer}/meson.build: lists {name}, which is private'


def check_spdx(root):
    for path in walk(root, ''):
        if not path.endswith(SOURCES):
            continue
        head = read(os.path.join(root, path)).split('\n')[:3]
        if not any('SPDX-License-Identifier: LGPL-2.1-or-later' in line for line in head):
            yield f'{path}: no SPDX line at its head'


def check_itself(root):
    """The patterns above find what they should."""
    text = '/* #include "orm/x.h" */\n#include "sql/y.h"\nchar *s = "/* mysql */";\n// "sqlite"\n# include <z.h>\n'
    if list(includes(text)) != [(2, '"', 'sql/y.h'), (5, '<', 'z.h')]:
        yield f'includes: {list(includes(text))}'
    if list(string_literals(text)) != [(3, '"/* mysql */"')]:
        yield f'string_literals: {list(string_literals(text))}'
    if not DIALECTS.search('a MySQL server') or DIALECTS.search('feedbid'):
        yield 'DIALECTS'
    if sum(1 for _ in walk(root, 'core')) < 20:
        yield 'walk finds too few files'


def main(root):
    checks = [check_itself, check_core_includes, check_core_literals, check_module_includes, check_installed_headers,
              check_spdx]
    failed = False
    print(f'1..{len(checks)}')
    for number, check in enumerate(checks, 1):
        problems = list(check(root))
        for problem in problems:
            print(f'# {problem}')
        print(f'{"not ok" if problems else "ok"} {number} /layers/{check.__name__[len("check_"):].replace("_", "-")}')
        failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
