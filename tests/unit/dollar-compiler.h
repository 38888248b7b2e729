/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql-fixture.h"

/* A dialect with other words: from now on the fixture compiles for it. */
void use_dollars (SqlFixture *fixture);
