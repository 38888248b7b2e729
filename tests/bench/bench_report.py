# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table, the files and the plot of ci/bench, and what was missed."""

import csv
import json
import math
import xml.sax.saxutils

import bench_cases

COLUMNS = ('ops', 'seconds', 'cpu_seconds', 'peak_kib', 'growth_kib', 'heap_bytes', 'late_us', 'frame_us', 'p50_us', 'p99_us')


def number(value, form='{:.2f}'):
    return '-' if value is None else form.format(value)


class Row:
    """A case on a database: what was measured and what is missed."""

    def __init__(self, bench, case, database):
        self.case, self.database = case, database
        self.ops = bench.median(database, case.name, 'cupel', 'ops')
        self.raw, self.cupel, self.peer = (bench.median(database, case.name, implementation, 'seconds')
                                           for implementation in ('raw', 'cupel', 'sqlalchemy'))
        self.times = self.cupel / self.raw if self.cupel and self.raw else None
        self.peer_times = self.peer / self.raw if self.peer and self.raw else None
        # The titles are those of the whole.
        self.title = case.title if bench.divisor == 1 or self.ops is None else f'{case.title}; here {self.ops:,.0f}'
        self.target = case.targets.get(database)
        self.peak_kib = bench.median(database, case.name, 'cupel', 'peak_kib')
        self.raw_peak_kib = bench.median(database, case.name, 'raw', 'peak_kib')
        self.late_us = bench.median(database, case.name, 'cupel', 'late_us')
        self.frame_us = bench.median(database, case.name, 'cupel', 'frame_us')
        self.growth_kib = self.bytes_each = self.p99_us = self.raw_p99_us = None
        if case.name == 'W1':
            heap = bench.median(database, case.name, 'cupel-heap', 'heap_bytes')
            self.bytes_each = heap / self.ops if heap and self.ops else None
        if case.name == 'W3':
            self.growth_kib = bench.median(database, case.name, 'cupel', 'growth_kib')
        if case.name in bench_cases.LEASES:
            self.p99_us, self.raw_p99_us = (bench.median(database, case.name, implementation, 'p99_us')
                                            for implementation in ('cupel', 'raw'))
        # A tenth of the data is not what the targets are for.
        self.missed = self.find_missed(bench.median(database, 'idle', 'cupel', 'late_us')) if bench.divisor == 1 else []

    def find_missed(self, idle_us):
        case, missed = self.case, []

        def at_most(what, value, bound, form='{:.2f}'):
            if value is not None and value > bound:
                missed.append(f'{case.name} on {self.database}: {what} {form.format(value)}, not {form.format(bound)}')

        if self.times is None:
            missed.append(f'{case.name} on {self.database}: no figure')
            return missed
        if self.target:
            at_most('times raw C', self.times, self.target)
        at_most('bytes per entity', self.bytes_each, bench_cases.BYTES_PER_ENTITY, '{:.0f}')
        at_most('KiB of growth', self.growth_kib, bench_cases.GROWTH_KIB, '{:.0f}')
        if case in bench_cases.WORKLOADS and idle_us is not None:
            at_most('us of stall', self.late_us, idle_us + bench_cases.STALL_US, '{:.0f}')
            at_most('us until a frame', self.frame_us, bench_cases.FRAME_US, '{:.0f}')
        if self.p99_us is not None and self.raw_p99_us is not None:
            at_most('us at the 99th percentile', self.p99_us, bench_cases.P99_TIMES * self.raw_p99_us, '{:.0f}')
        return missed


def print_table(bench, rows):
    width = max(len(row.case.name) for row in rows)
    title_width = max(28, *(len(row.title) for row in rows))
    print()
    print(f'{"":{width}} {"":{title_width}} {"":10} {"raw C":>12} {"Cupel":>12} {"times":>6} {"target":>6} {"SQLAlchemy":>10} {"peak MiB":>8} '
          f'{"raw":>5} {"stall ms":>8} {"frame":>5}')
    for row in rows:
        more = []
        if row.bytes_each is not None:
            more.append(f'{row.bytes_each:.0f} bytes per entity')
        if row.growth_kib is not None:
            more.append(f'growth {row.growth_kib / 1024:.1f} MiB')
        if row.p99_us is not None and row.raw_p99_us:
            more.append(f'p99 {row.p99_us / 1000:.2f} ms, raw {row.raw_p99_us / 1000:.2f}')
        print(f'{row.case.name:{width}} {row.title:{title_width}} {row.database:10} {number(row.raw and row.ops / row.raw, "{:,.0f}/s"):>12} '
              f'{number(row.cupel and row.ops / row.cupel, "{:,.0f}/s"):>12} {number(row.times):>6} {number(row.target, "{:g}"):>6} '
              f'{number(row.peer_times, "{:.1f}"):>10} {number(row.peak_kib and row.peak_kib / 1024, "{:.1f}"):>8} '
              f'{number(row.raw_peak_kib and row.raw_peak_kib / 1024, "{:.1f}"):>5} '
              f'{number(row.late_us and row.late_us / 1000, "{:.1f}"):>8} {number(row.frame_us and row.frame_us / 1000, "{:.1f}"):>5}'
              f'{" *" if row.missed else "  "} {"; ".join(more)}'.rstrip())
    print()
    print('/s: how many of what the title counts in a second; times: the time of Cupel as a multiple of that of raw C, medians; SQLAlchemy')
    print('likewise; peak: memory of the process, and of that in raw C; stall: how late a timer in the main loop was, at most; frame: likewise,')
    print('with the priority that GTK draws at; * a target was missed')
    if bench.divisor > 1:
        print(f'Of all these sizes it was 1 / {bench.divisor}, and one round: nothing to go by.')
    for database in bench.databases:
        idle = bench.median(database, 'idle', 'cupel', 'late_us')
        if idle is not None:
            print(f'The loop that does nothing was {idle / 1000:.1f} ms late, at most, before the cases on {database}.')
    missed = [text for row in rows for text in row.missed]
    if missed:
        print('\nMissed:')
        for text in missed:
            print('  ' + text)
    return missed


def write_csv(bench, path):
    with open(path, 'w', newline='') as output:
        writer = csv.writer(output)
        writer.writerow(('database', 'case', 'implementation', 'repetition') + COLUMNS)
        for (database, case, implementation), figures in sorted(bench.figures.items()):
            for position, figure in enumerate(figures):
                writer.writerow([database, case, implementation, position + 1] + [figure[column] for column in COLUMNS])


def write_json(rows, path):
    with open(path, 'w') as output:
        json.dump([{name: getattr(row, name) for name in ('database', 'ops', 'raw', 'cupel', 'times', 'target', 'peer_times', 'peak_kib',
                                                          'bytes_each', 'growth_kib', 'late_us', 'frame_us', 'p99_us', 'raw_p99_us', 'missed')}
                   | {'case': row.case.name} for row in rows], output, indent=1)


def write_svg(rows, path):
    """Bars on a logarithmic scale: how many times the time of raw C."""
    colours = {'sqlite': '#3d7ab5', 'postgresql': '#2f9e6e', 'mysql': '#d08a2c'}
    databases = [database for database in bench_cases.DATABASES if any(row.database == database for row in rows)]
    left, top, bar, gap, width = 30 + 7 * max(len(f'{row.case.name}  {row.case.title}') for row in rows), 60, 11, 16, 640
    bars = [(row.case, row.database, implementation, times) for row in rows
            for implementation, times in (('cupel', row.times), ('sqlalchemy', row.peer_times)) if times is not None]
    largest = max([one[3] for one in bars] + [10])

    def place(times):
        return left + width * math.log(max(times, 1)) / math.log(largest * 1.3)

    text, y, last = [], top, None
    for case, database, implementation, times in bars:
        if case != last:
            y += gap
            text.append(f'<text x="{left - 10}" y="{y + bar}" text-anchor="end">'
                        f'{xml.sax.saxutils.escape(case.name + "  " + case.title)}</text>')
            last = case
        opacity = 1 if implementation == 'cupel' else 0.3
        text.append(f'<rect x="{left}" y="{y}" width="{max(place(times) - left, 1):.1f}" height="{bar - 2}" '
                    f'fill="{colours[database]}" fill-opacity="{opacity}"/>')
        text.append(f'<text class="small" x="{place(times) + 4:.1f}" y="{y + bar - 3}">{times:.2f}</text>')
        y += bar
    marks = ''.join(f'<line x1="{place(mark):.1f}" y1="{top}" x2="{place(mark):.1f}" y2="{y}" stroke="#ccc"/>'
                    f'<text class="small" x="{place(mark):.1f}" y="{top - 4}" text-anchor="middle">{mark}</text>'
                    for mark in (1, 2, 5, 10, 20, 50, 100, 200) if mark <= largest * 1.3)
    key = ''.join(f'<rect x="{left + 150 * i}" y="12" width="12" height="12" fill="{colours[name]}"/>'
                  f'<text x="{left + 150 * i + 17}" y="22">{name}</text>' for i, name in enumerate(databases))
    with open(path, 'w') as output:
        output.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" height="{y + 40}" '
                     'font-family="sans-serif" font-size="12"><style>.small{font-size:9px;fill:#444}</style>'
                     f'<rect width="100%" height="100%" fill="white"/>{key}{marks}{"".join(text)}'
                     f'<text x="{left}" y="{y + 28}">time as a multiple of raw C; pale: SQLAlchemy asyncio</text></svg>\n')


def report(bench, path):
    """Prints and writes; returns what was missed."""
    rows = [Row(bench, case, database) for case in bench.cases for database in bench.databases]
    missed = print_table(bench, rows)
    write_csv(bench, path + '.csv')
    write_json(rows, path + '.json')
    write_svg(rows, path + '.svg')
    return missed
