# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs an example on every database of CUPEL_TEST_URLS, each time in an empty one, and looks at what it printed and left.

    run-example.py NAME SQL-HELPER [--missing REASON] -- COMMAND...

A reason that is not empty skips the test.
"""

import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

TIMEOUT = 60    # seconds, for one run

CREATED = [r'created at: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d']


def graph(with_date):
    """The three A with their five B."""
    lines = []
    for number, bs in (1, (1, 2)), (2, (3,)), (3, (4, 5)):
        lines += [fr'A {number} a{number}'] + (CREATED if with_date else [])
        lines += [fr'  B {b} of a{number}' for b in bs]
    return lines


ROWS = [r"\(1, 'some name 1'\)", r"\(2, 'some name 2'\)"]
COUNT_A, FIRST_A = 'SELECT count(*) FROM a', 'SELECT data FROM a WHERE id = 1'
COUNT_B = 'SELECT count(*) FROM b WHERE data IS NULL'

# By program: a pattern for each line, and what is in the tables afterwards.
EXPECTED = {
    'async_orm': (graph(True) + graph(False) + [r'  B 1 of new data', r'  B 2 of new data'],
                  {COUNT_A: '(3)', COUNT_B: '(5)', FIRST_A: "('new data')"}),
    'async_orm_writeonly': (graph(True) + graph(False), {COUNT_A: '(3)', COUNT_B: '(5)', FIRST_A: "('a1')"}),
    'basic': ([r'\[' + ', '.join(ROWS) + r'\]'] + ROWS, {'SELECT count(*) FROM t1': '(2)'}),
    'gather_orm_statements': ([r'(\[A \d+ a_\d+\] ?){30}'], {COUNT_A: '(100)'}),
    'greenlet_orm': (graph(False), {COUNT_A: '(3)', COUNT_B: '(5)', FIRST_A: "('new data')"}),
}


def run(command):
    return subprocess.run(command, text=True, timeout=TIMEOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Database:
    """An empty one beside the one that the URL names; a file or memory needs no server to make it."""

    def __init__(self, url, name, helper, folder):
        self.url, self.helper = url, helper
        parts = urllib.parse.urlsplit(url)
        self.name = f'cupel_{name}_{os.getpid()}'
        self.made = False
        self.kept = True
        self.server = url
        if parts.scheme.split('+')[0] == 'sqlite':
            if parts.path in ('', '/'):
                self.kept = False
            else:
                self.url = url.replace(parts.path, '/' + os.path.join(folder, self.name + '.db'), 1)
            return
        self.url = url.replace(f'{parts.netloc}{parts.path}', f'{parts.netloc}/{self.name}', 1)

    def __enter__(self):
        if self.url != self.server and not self.url.startswith('sqlite'):
            self.check(run([self.helper, self.server, 'CREATE DATABASE ' + self.name]))
            self.made = True
        return self

    def __exit__(self, *_):
        if self.made:
            run([self.helper, self.server, 'DROP DATABASE ' + self.name])

    @staticmethod
    def check(done):
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def query(self, sql):
        return self.check(run([self.helper, self.url, sql]))


def differences(lines, patterns):
    """Why these are not the lines of the program."""
    if len(lines) != len(patterns):
        yield f'{len(lines)} lines instead of {len(patterns)}'
    for number, (line, pattern) in enumerate(zip(lines, patterns), 1):
        if not re.fullmatch(pattern, line):
            yield f'line {number} is not like {pattern}'


def check_gather(line):
    """The key of a row tells its text: each result must have the row that was asked for."""
    for key, text in re.findall(r'A (\d+) a_(\d+)', line):
        if int(key) != int(text) + 1:
            yield f'A {key} has the text of another row: a_{text}'


def try_on(url, name, helper, command, folder):
    patterns, contents = EXPECTED[name]
    with Database(url, name, helper, folder) as database:
        done = run(command + [database.url])
        problems = [] if done.returncode == 0 else [f'exit status {done.returncode}']
        problems += [f'on the error output: {line}' for line in done.stderr.splitlines()]
        lines = done.stdout.splitlines()
        problems += differences(lines, patterns)
        if name == 'gather_orm_statements' and lines:
            problems += check_gather(lines[0])
        if problems:
            return problems + done.stdout.splitlines()
        # Again where the tables are: the program starts by dropping them.
        if database.kept:
            problems += [f'{sql}: {answer} instead of {wanted}' for sql, wanted in contents.items()
                         for answer in [database.query(sql)] if answer != wanted]
            again = run(command + [database.url])
            problems += [] if again.returncode == 0 else ['run again: ' + again.stderr]
            problems += ['run again: ' + problem
                         for problem in differences(again.stdout.splitlines(), patterns)]
    return problems


def is_built(dialect):
    folders = os.environ.get('CUPEL_PLUGIN_PATH', '').split(':')
    names = {'mariadb': 'mysql', 'postgres': 'postgresql'}
    return any(os.path.exists(os.path.join(folder, f'libcupel-dialect-{names.get(dialect, dialect)}.so'))
               for folder in folders)


def main():
    separator = sys.argv.index('--')
    name, helper, *rest = sys.argv[1:separator]
    if rest[:1] == ['--missing'] and rest[1]:
        print('1..0 # SKIP ' + rest[1])
        return 0
    command = sys.argv[separator + 1:]
    urls = os.environ.get('CUPEL_TEST_URLS', 'sqlite://').split()
    failed = 0
    print(f'1..{len(urls)}')
    with tempfile.TemporaryDirectory() as folder:
        for number, url in enumerate(urls, 1):
            dialect = re.split(r'[+:]', url)[0]
            test = f'/examples/{name}/{dialect}' + ('/memory' if url == 'sqlite://' else '')
            if not is_built(dialect):
                print(f'ok {number} {test} # SKIP this build leaves out the dialect {dialect}', flush=True)
                continue
            try:
                problems = try_on(url, name, helper, command, folder)
            except (RuntimeError, subprocess.TimeoutExpired) as problem:
                problems = [str(problem)]
            for problem in problems:
                for line in problem.splitlines():
                    print('# ' + line)
            failed += bool(problems)
            print(f'{"not ok" if problems else "ok"} {number} {test}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
