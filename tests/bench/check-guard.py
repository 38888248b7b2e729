#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Count what a row costs, instead of timing it: instructions, of all threads, and allocations.

    check-guard.py PROGRAM BOUNDS TOOLCHAIN [--write]

PROGRAM is bench-guard, BOUNDS the file bounds.json, TOOLCHAIN names what instructions depend on: compiler, options, libraries.
Each case runs on a small and on a larger SQLite database; the difference by the difference in rows is what one row costs. More
than a tenth above the bound fails, and of allocations a twentieth of one. Allocations are checked everywhere, instructions where
there are bounds for the toolchain.

With --write the bounds become what is counted now, instructions for this toolchain only; `ci/bench --bounds` does that.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

CASES = ('W1', 'W2', 'W3', 'W4', 'W5', 'W7', 'W7T', 'W9')
SMALL, LARGE = 100, 20      # divisors of the sizes that ci/bench has
TOLERANCE = 0.10
# One allocation more for each row is too many, even where there are tens of them.
MOST_ALLOCATIONS = 0.5
# A block of rows more or less, as threads take turns, is no cost of a row. One that is allocated for itself is twenty times that.
SLACK = {'allocations': 0.05, 'instructions': 0}
RUNS_FOR_BOUNDS = 3
# One function of glibc for all processors
PLAIN = ','.join('-' + name for name in ('AVX_Fast_Unaligned_Load', 'AVX2', 'AVX', 'BMI2', 'ERMS', 'FSRM', 'SSSE3', 'SSE4_1', 'SSE4_2'))


def stay_on_one_processor():
    """Where there are more, threads look for a while whether another is done before they sleep: as often as it happens to take."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def count(program, divisor, with_instructions):
    """{case: (operations, instructions or None, allocations)}"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith('MALLOC_')}  # Meson has them random
    environment.update(G_SLICE='always-malloc', GLIBC_TUNABLES='glibc.cpu.hwcaps=' + PLAIN)
    with tempfile.TemporaryDirectory(prefix='cupel-guard-') as folder:
        profile = os.path.join(folder, 'profile')
        watch = ['valgrind', '--quiet', '--tool=callgrind', '--callgrind-out-file=' + profile] if with_instructions else []
        output = subprocess.run(watch + [program, 'sqlite:///' + os.path.join(folder, 'guard.db'), ','.join(CASES), str(divisor)],
                                env=environment, stdout=subprocess.PIPE, text=True, check=True,
                                preexec_fn=stay_on_one_processor).stdout
        instructions = {}
        # A dump for each repetition, in order: the last one of a case is the one after warming up.
        for number in range(1, 2 * len(CASES) + 1 if with_instructions else 1):
            with open(f'{profile}.{number}') as dump:
                text = dump.read()
            case = re.search(r'^desc: Trigger: Client Request: (\w+)$', text, re.MULTILINE)[1]
            instructions[case] = int(re.search(r'^totals: (\d+)$', text, re.MULTILINE)[1])
        figures = [json.loads(line) for line in output.splitlines()]
    return {figure['case']: (figure['ops'], instructions.get(figure['case']), figure['allocations']) for figure in figures}


def count_per_row(program, with_instructions):
    """{'allocations': {case: per row}, 'instructions': likewise}"""
    small, large = (count(program, divisor, with_instructions) for divisor in (SMALL, LARGE))
    figures = {'allocations': {}, 'instructions': {}}
    for case in CASES:
        rows = large[case][0] - small[case][0]
        if with_instructions:
            figures['instructions'][case] = round((large[case][1] - small[case][1]) / rows)
        figures['allocations'][case] = round((large[case][2] - small[case][2]) / rows, 2)
    return figures


def limit_of(what, bound):
    more = bound * TOLERANCE
    return bound + (min(more, MOST_ALLOCATIONS) if what == 'allocations' else more) + SLACK[what]


def check(bounds, figures, toolchain, why_not):
    print('TAP version 13')
    print(f'1..{2 * len(CASES)}')
    all_good, number = True, 0
    for what in ('allocations', 'instructions'):
        known = bounds['allocations'] if what == 'allocations' else bounds['instructions'].get(toolchain, {})
        for case in CASES:
            number += 1
            name = f'{number} {case} {what} per row'
            if case not in figures[what]:
                print(f'ok {name} # SKIP {why_not}')
                continue
            value, bound = figures[what][case], known[case]
            good = value <= limit_of(what, bound)
            all_good = all_good and good
            print(f'{"ok" if good else "not ok"} {name}')
            print(f'# {value}; the bound is {bound}, and the most {limit_of(what, bound):.2f}')
            if not good:
                print('# If it has to be: ci/bench --bounds')
            elif value < bound * (1 - TOLERANCE) - SLACK[what]:
                print('# It became cheaper; to keep it so: ci/bench --bounds')
    return all_good


def write(path, bounds, program, toolchain):
    runs = [count_per_row(program, True) for _ in range(RUNS_FOR_BOUNDS)]
    median = {what: {case: statistics.median(run[what][case] for run in runs) for case in CASES}
              for what in ('allocations', 'instructions')}
    bounds['allocations'] = median['allocations']
    bounds['instructions'][toolchain] = median['instructions']
    with open(path, 'w') as output:
        json.dump(bounds, output, indent=2, sort_keys=True)
        output.write('\n')


def main(arguments):
    if len(arguments) not in (3, 4) or arguments[3:] not in ([], ['--write']):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    program, path, toolchain = arguments[:3]
    toolchain += ' ' + os.confstr('CS_GNU_LIBC_VERSION').replace(' ', '-')
    bounds = {'allocations': {}, 'instructions': {}}
    if os.path.exists(path):
        with open(path) as data:
            bounds = json.load(data)
    if arguments[3:]:
        write(path, bounds, program, toolchain)
        print('1..0 # SKIP the bounds were written, not checked')
        return 0
    why_not = None
    if toolchain not in bounds['instructions']:
        why_not = f'no bounds for {toolchain}'
    elif shutil.which('valgrind') is None:
        why_not = 'no valgrind'
    return 0 if check(bounds, count_per_row(program, why_not is None), toolchain, why_not) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
