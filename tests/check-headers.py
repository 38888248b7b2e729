#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each installed header compiles by itself in C, and the two that bring them all in C and C++, pedantically. Prints TAP.

usage: check-headers.py INCLUDE-FOLDER BUILD-INCLUDE-FOLDER -- CC... -- CXX... -- HEADER...
The C++ compiler may be left out.
"""

import os
import subprocess
import sys
import tempfile

WARNINGS = ['-Wall', '-Wextra', '-Wno-unused-parameter', '-Wno-missing-field-initializers', '-pedantic', '-Werror']


def split(arguments):
    parts = [[]]
    for argument in arguments:
        if argument == '--':
            parts.append([])
        else:
            parts[-1].append(argument)
    return parts


def main():
    (core, build), cc, cxx, headers = split(sys.argv[1:])
    flags = subprocess.run([os.environ.get('PKG_CONFIG', 'pkg-config'), '--cflags', 'gio-2.0'], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    base = ['-fsyntax-only', *WARNINGS, *flags, '-I' + core, '-I' + build]
    runs = []

    for header in ['cupel.h', 'cupel-dialect.h']:
        text = f'#include <{header}>\nint main (void) {{ return 0; }}\n'
        # Not pedantically: a typedef may come twice only since C11.
        runs.append((f'c99/{header}', cc, ['-std=gnu99', '-Wstrict-prototypes', '-Wno-pedantic', '-x', 'c'], text))
        runs.append((f'c11/{header}', cc, ['-std=gnu11', '-Wstrict-prototypes', '-x', 'c'], text))
        runs.append((f'c++17/{header}', cxx, ['-std=c++17', '-x', 'c++'], text))
    for header in headers:
        name = os.path.relpath(header, core)
        runs.append((f'alone/{name}', cc, ['-std=gnu11', '-x', 'c'],
                     f'#define CUPEL_INSIDE\n#include "{name}"\nint main (void) {{ return 0; }}\n'))
    # ... and none of them directly.
    name = os.path.relpath(headers[0], core)
    runs.append((f'refused/{name}', cc, ['-std=gnu11', '-x', 'c'], f'#include "{name}"\n'))

    failed = False
    print(f'1..{len(runs)}')
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, 'test.c')
        for number, (name, compiler, more, text) in enumerate(runs, 1):
            if not compiler:
                print(f'ok {number} /headers/{name} # SKIP no C++ compiler')
                continue
            with open(source, 'w', encoding='utf-8') as file:
                file.write(text)
            run = subprocess.run(compiler + base + more + [source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if name.startswith('refused/'):
                good = run.returncode != 0 and 'can be included directly' in run.stdout
            else:
                good = run.returncode == 0
            if not good:
                for line in run.stdout.splitlines():
                    print('# ' + line)
            print(f'{"ok" if good else "not ok"} {number} /headers/{name}')
            failed = failed or not good
    return 1 if failed else 0


sys.exit(main())
