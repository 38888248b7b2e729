# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ci/bench runs, and what is aimed at. Times are multiples of those of raw C."""

import collections

DATABASES = ('sqlite', 'postgresql', 'mysql')

# targets: {database: at most so many times raw C}
Case = collections.namedtuple('Case', 'name title targets')


def case(name, title, *targets):
    return Case(name, title, dict(zip(DATABASES, targets)))


WORKLOADS = [
    case('W1', 'load 100,000 entities', 2.5, 2.0, 2.0),
    case('W2', 'select-in 10,000 + 30,000', 3.0, 3.0, 2.0),
    case('W3', 'stream 1,000,000 entities', 2.0, 2.0, 2.0),
    case('W4', 'unit of work, 40,000 rows', 2.5, 1.3, 1.5),
    case('W5', '10,000 gets by key', 12, 1.4, 1.4),
    case('W6', 'update 10,000', 3.0, 1.5, 1.5),
    case('W7', '64 tasks, 8 connections', 1.5, 1.5, 1.5),
    case('W7T', 'the same in transactions', 1.5, 1.5, 1.5),
    case('W8', 'Core insert 100,000', 1.3, 1.3, 1.3),
    case('W9', 'Core fetch 100,000', 1.6, 1.5, 1.5),
]

# SQLAlchemy's own tests, those whose calls Cupel has. A statement that is compiled anew each time has no target.
SUITES = [
    case('bulk_inserts/flush_no_pk', '100 flushes of 1,000'),
    case('bulk_inserts/flush_pk_given', '100 flushes of 1,000'),
    case('bulk_inserts/orm_bulk_insert', '100,000 rows', 1.5, 1.5),
    case('bulk_inserts/core_insert', '100,000 rows', 1.5, 1.5),
    case('bulk_updates/orm_flush', '100,099 updates'),
    case('large_resultsets/orm_full_objects_list', '500,000 entities', 3.0, 3.0),
    case('large_resultsets/orm_full_objects_chunks', '500,000 entities, 1,000 each'),
    case('large_resultsets/orm_columns', '500,000 rows, 10,000 each'),
    case('large_resultsets/core_fetchall', '500,000 rows'),
    case('large_resultsets/core_fetchall_mapping', '500,000 rows by name'),
    case('large_resultsets/core_fetchmany_w_streaming', '500,000 rows, 10,000 each'),
    case('short_selects/orm_query_new_style', '10,000 selects'),
    case('short_selects/orm_query_new_style_cache', '10,000 selects'),
    case('short_selects/core_new_stmt_each_time', '10,000 selects'),
    case('short_selects/core_new_stmt_each_time_compiled_cache', '10,000 selects'),
    case('short_selects/core_reuse_stmt', '10,000 selects'),
    case('short_selects/core_reuse_stmt_compiled_cache', '10,000 selects', 12, 2.0),
    case('single_inserts/orm_commit', '10,000 commits'),
    case('single_inserts/bulk_insert_dictionaries', '10,000 commits'),
    case('single_inserts/core', '10,000 commits'),
    case('single_inserts/core_query_caching', '10,000 commits'),
]
SUITE_DATABASES = ('sqlite', 'postgresql')

BYTES_PER_ENTITY = 300          # W1: what an entity takes while it is held
GROWTH_KIB = 4 * 1024           # W3: what a stream of any length may take
STALL_US = 3000                 # W1 to W9: the main loop, above an idle one
FRAME_US = 16000                # W1 to W9: how long an interface may wait to be drawn
LEASES = ('W7', 'W7T')
P99_TIMES = 2.0                 # of these: of raw C's
