/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bench.h"

G_BEGIN_DECLS

/* What the cases of scaling do, whatever their size is; rows/SIZE alone does more. */
#define SCALING_GETS      10000
#define SCALING_FLUSHES   1000
#define SCALING_TASK_OPS  10000
#define SCALING_TOUCHED   1000    /* entities of those that a session holds */

G_END_DECLS
