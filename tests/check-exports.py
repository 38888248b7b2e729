#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the library and the modules export and link. Prints TAP.

usage: check-exports.py CORE-FOLDER LIBRARY MODULE...
"""

import os
import re
import subprocess
import sys

CLIENTS = re.compile(r'lib(pq|mysqlclient|mariadb|sqlite3|dbi)\b')


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, 'LC_ALL': 'C'}).stdout


def exported(path):
    lines = (line.split() for line in output('nm', '-D', '--defined-only', path).splitlines())
    # A linker's own marks, and what a sanitizer adds, are no part of an interface.
    return [words[-1] for words in lines if len(words) == 3 and words[1] in 'TDBRVWi' and
            not re.match(r'(_init|_fini|_edata|_end|__bss_start|__odr_asan.*|__asan.*|__start_.*|__stop_.*|___asan.*)$', words[-1])]


def needed(path):
    return re.findall(r'NEEDED\) +Shared library: \[(.*)\]', output('readelf', '-d', path))


def declared(core):
    """The functions that the installed headers promise."""
    names = set()
    for place, _, files in os.walk(core):
        for file in files:
            if not file.endswith('.h') or file.endswith('-private.h'):
                continue
            with open(os.path.join(place, file), encoding='utf-8') as header:
                text = re.sub(r'/\*.*?\*/', '', header.read(), flags=re.S)
            types = re.compile(r'^(?:G_DECLARE_\w+|CUPEL_DECLARE_INTERNAL_TYPE) \(\w+,\s*(\w+),.*$', re.M)
            names.update(f'{prefix}_get_type' for prefix in types.findall(text))
            # Such a line ends without a semicolon.
            for declaration in re.findall(r'CUPEL_AVAILABLE_IN_\w+\s+(.*?);', types.sub(';', text), re.S):
                names.update(re.findall(r'\b(cupel_\w+)\s*\(', declaration)[:1])
    return names


def main(core, library, *modules):
    results = []
    names = exported(library)
    promised = declared(core)
    results.append(('library/declared', sorted(f'{n} is declared and not exported' for n in promised - set(names)) or
                    ([] if len(promised) > 300 else [f'only {len(promised)} declarations found'])))
    results.append(('library/undeclared', sorted(f'{n} is exported and in no installed header'
                                                 for n in set(names) - promised)))
    results.append(('library/links', [n for n in needed(library) if CLIENTS.match(n)]))
    for module in modules:
        name = os.path.basename(module)
        kind, short = re.match(r'libcupel-([a-z]+)-(.*)\.so$', name).groups()
        entry = f'cupel_plugin_{kind}_{short.replace("-", "_")}_describe'
        names = exported(module)
        results.append((f'{short}/exports', [n for n in names if n != entry] + ([] if entry in names else ['no ' + entry])))
        libraries = needed(module)
        results.append((f'{short}/links', [n for n in libraries if n.startswith('libcupel-') and n != 'libcupel-1.so.0'] +
                        ([] if 'libcupel-1.so.0' in libraries else ['not libcupel-1.so.0'])))

    print(f'1..{len(results)}')
    for number, (name, problems) in enumerate(results, 1):
        for problem in problems:
            print(f'# {problem}')
        print(f'{"not ok" if problems else "ok"} {number} /exports/{name}')
    return 1 if any(problems for _, problems in results) else 0


sys.exit(main(*sys.argv[1:]))
