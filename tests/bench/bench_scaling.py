# SPDX-License-Identifier: LGPL-2.1-or-later
"""How costs grow: ci/bench --scaling. One operation must not cost much more when there is more of a thing, and a stream must not
take more memory when it is longer. Costs are processor time of the program, all its threads: what else the machine does hardly
counts, nor does what the server does."""

import csv
import math

DATABASES = ('sqlite', 'postgresql')
FACTOR = 2.0            # of the least that it costs at a smaller size
GROWTH_KIB = 4 * 1024   # of a stream, above that of the shortest

# name, what grows, what is done, sizes
SERIES = [
    ('rows', 'rows of a stream', 'a row as an entity', [10 ** n for n in range(3, 8)]),
    ('identity-map', 'entities in a session', 'a get of one of them', [10 ** n for n in range(3, 7)]),
    ('flush', 'entities in a session', 'a flush of one change', [10 ** n for n in range(3, 7)]),
    ('fibers', 'fibers on 8 connections', 'a select by key', [10 ** n for n in range(5)]),
    ('pool', 'connections of 64 fibers', 'a select by key', [2 ** n for n in range(7)]),
]


def cases(divisor):
    """Of a smaller bench_1m the largest sizes cannot be had."""
    largest = {'rows': 10000000 // divisor, 'identity-map': 1000000 // divisor, 'flush': 1000000 // divisor}
    return [f'{name}/{size}' for name, _, _, sizes in SERIES for size in sizes if size <= largest.get(name, size)]


class Point:
    def __init__(self, bench, database, series, size, smaller):
        figures = bench.figures.get((database, f'{series}/{size}', 'cupel'), [])
        self.database, self.series, self.size = database, series, size
        # The least of all repetitions: what else the machine does only adds
        self.us, self.wall_us = (min((1e6 * figure[what] / figure['ops'] for figure in figures), default=None)
                                 for what in ('cpu_seconds', 'seconds'))
        self.growth_kib = bench.median(database, f'{series}/{size}', 'cupel', 'growth_kib') if series == 'rows' else None
        self.peak_kib = bench.median(database, f'{series}/{size}', 'cupel', 'peak_kib')
        before = [point.us for point in smaller if point.us is not None]
        self.factor = self.us / min(before) if before and self.us is not None else None
        self.missed = []
        if self.us is None:
            self.missed.append(f'{series}/{size} on {database}: no figure')
        if self.factor is not None and self.factor > FACTOR:
            self.missed.append(f'{series}/{size} on {database}: {self.factor:.2f} times the cost at a smaller size, not {FACTOR:.2f}')
        if series == 'rows' and smaller and self.growth_kib is not None and smaller[0].growth_kib is not None and \
                self.growth_kib > smaller[0].growth_kib + GROWTH_KIB:
            self.missed.append(f'{series}/{size} on {database}: the stream took {self.growth_kib:.0f} KiB more, and {GROWTH_KIB} KiB '
                               f'above the {smaller[0].growth_kib:.0f} KiB of the shortest is the bound')


def collect(bench):
    points, wanted = [], cases(bench.divisor)
    for database in bench.databases:
        for series, _, _, sizes in SERIES:
            smaller = []
            for size in sizes:
                if f'{series}/{size}' in wanted:
                    smaller.append(Point(bench, database, series, size, list(smaller)))
            points += smaller
    return points


def lines(points):
    """As Markdown, which is well read on a terminal too"""
    for series, what, done, _ in SERIES:
        chosen = [point for point in points if point.series == series]
        if not chosen:
            continue
        yield f'\n{series}: {done}, by the number of {what}\n'
        yield f'| {"database":10} | {"size":>10} | {"CPU us":>9} | {"factor":>6} | {"time us":>9} | {"growth MiB":>10} | {"peak MiB":>8} |   |'
        yield f'|{"-" * 12}|{"-" * 11}:|{"-" * 10}:|{"-" * 7}:|{"-" * 10}:|{"-" * 11}:|{"-" * 9}:|---|'
        for point in chosen:
            def text(value, form):
                return '-' if value is None else form.format(value)
            yield (f'| {point.database:10} | {point.size:10,} | {text(point.us, "{:.2f}"):>9} | {text(point.factor, "{:.2f}"):>6} | '
                   f'{text(point.wall_us, "{:.2f}"):>9} | '
                   f'{text(point.growth_kib and point.growth_kib / 1024, "{:.1f}"):>10} | '
                   f'{text(point.peak_kib and point.peak_kib / 1024, "{:.1f}"):>8} | {"*" if point.missed else " "} |')
    yield f'\nCPU: processor time of one operation; factor: of the least at a smaller size, at most {FACTOR:g}; growth: memory that a stream took; * missed'


def write_csv(points, path):
    with open(path, 'w', newline='') as output:
        writer = csv.writer(output)
        writer.writerow(('database', 'series', 'size', 'cpu_us', 'factor', 'time_us', 'growth_kib', 'peak_kib'))
        for point in points:
            writer.writerow((point.database, point.series, point.size, point.us, point.factor, point.wall_us, point.growth_kib, point.peak_kib))


def write_svg(points, path):
    """A small plot for each series, both axes logarithmic: a flat line is linear cost."""
    colours = {'sqlite': '#3d7ab5', 'postgresql': '#2f9e6e'}
    width, height, margin, text = 260, 160, 50, []
    shown = [entry for entry in SERIES if any(point.series == entry[0] and point.us for point in points)]
    for index, (series, what, done, _) in enumerate(shown):
        chosen = [point for point in points if point.series == series and point.us]
        left, top = margin + index % 3 * (width + margin + 20), 60 + index // 3 * (height + 90)
        low, high = min(point.us for point in chosen) / 3, max(point.us for point in chosen) * 3
        first, last = min(point.size for point in chosen), max(point.size for point in chosen)

        def x_of(size):
            return left + width * math.log(size / first) / math.log(last / first) if last > first else left

        def y_of(us):
            return top + height - height * math.log(us / low) / math.log(high / low)

        text.append(f'<text x="{left}" y="{top - 10}">{series}: {done}</text>'
                    f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#ccc"/>'
                    f'<text class="small" x="{left + width / 2}" y="{top + height + 28}" text-anchor="middle">{what}</text>')
        for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
            text.append(f'<line x1="{left}" y1="{y_of(10 ** power):.1f}" x2="{left + width}" y2="{y_of(10 ** power):.1f}" stroke="#eee"/>'
                        f'<text class="small" x="{left - 4}" y="{y_of(10 ** power) + 3:.1f}" text-anchor="end">{10 ** power:g} us</text>')
        for size in sorted({point.size for point in chosen}):
            text.append(f'<text class="small" x="{x_of(size):.1f}" y="{top + height + 13}" text-anchor="middle">{size:,}</text>')
        for database, colour in colours.items():
            line = [(x_of(point.size), y_of(point.us)) for point in chosen if point.database == database]
            text.append(f'<polyline fill="none" stroke="{colour}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in line)}"/>')
            text += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in line]
    key = ''.join(f'<rect x="{margin + 150 * i}" y="12" width="12" height="12" fill="{colour}"/>'
                  f'<text x="{margin + 150 * i + 17}" y="22">{name}</text>' for i, (name, colour) in enumerate(colours.items()))
    total_height = 60 + (len(shown) + 2) // 3 * (height + 90)
    with open(path, 'w') as output:
        output.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{3 * (width + margin + 20) + margin}" height="{total_height}" '
                     'font-family="sans-serif" font-size="12"><style>.small{font-size:9px;fill:#444}</style>'
                     f'<rect width="100%" height="100%" fill="white"/>{key}{"".join(text)}</svg>\n')


def report(bench, path):
    """Prints and writes; returns what was missed."""
    points = collect(bench)
    text = '\n'.join(lines(points))
    print(text)
    with open(path + '.md', 'w') as output:
        output.write(text.lstrip('\n') + '\n')
    write_csv(points, path + '.csv')
    write_svg(points, path + '.svg')
    # One round on a tenth of the data is a look.
    missed = [one for point in points for one in point.missed] if bench.divisor == 1 else []
    if missed:
        print('\nMissed:')
        for one in missed:
            print('  ' + one)
    return missed
