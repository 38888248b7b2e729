#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Is every public call that suspends among those that test-cancel-sweep interrupts, or named there with a reason? Prints TAP.

usage: check-sweep.py CORE-FOLDER TEST-CANCEL-SWEEP HEADER...
"""

import os
import re
import subprocess
import sys


def suspending(header):
    with open(header, encoding='utf-8') as file:
        text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
    text = re.sub(r'^G_D\w+ \(.*?\)$', ';', text, flags=re.M)
    # A declaration of a type ends without a semicolon.
    for declaration in re.findall(r'CUPEL_AVAILABLE_IN_\w+\s+([^;]*?);', text, re.S):
        name = re.search(r'\b(cupel_\w+)\s*\(', declaration)
        if name and 'GCancellable' in declaration:
            yield re.sub(r'_async$', '', name.group(1))


def everything(core):
    for place, _, files in os.walk(core):
        for file in files:
            if file.endswith('.h'):
                yield from suspending(os.path.join(place, file))


def main(core, program, *headers):
    known = set(subprocess.run([program, '--list'], check=True, stdout=subprocess.PIPE, text=True).stdout.split())
    public = {name for header in headers for name in suspending(header)}
    missing = sorted(public - known)
    gone = sorted(known - set(everything(core)))
    print('1..3')
    print(f'{"ok" if len(public) > 30 else "not ok"} 1 - {len(public)} calls that suspend were found')
    print(f'{"not ok" if missing else "ok"} 2 - each is interrupted somewhere, or named with a reason')
    for name in missing:
        print(f'# {name}: add it to sweep_subjects in tests/faults/sweep-model.c')
    print(f'{"not ok" if gone else "ok"} 3 - each that is named exists')
    for name in gone:
        print(f'# {name}: is in no header')
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
