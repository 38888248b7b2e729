/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fail-vfs.h"

#include <sqlite3.h>
#include <string.h>

static sqlite3_vfs vfs;
static sqlite3_vfs *real;
static int armed;      /* which call fails; 0: none */
static int lasting;
static int calls;
static int delay;      /* of a lock in shared memory, in microseconds */

typedef struct
{
  sqlite3_file  base;
  sqlite3_file *file;    /* the real one, behind this */
} FailFile;

static gboolean
fails (void)
{
  int nth = g_atomic_int_get (&armed);
  int now = g_atomic_int_add (&calls, 1) + 1;

  return nth > 0 && (now == nth || (now > nth && g_atomic_int_get (&lasting)));
}

static sqlite3_file *
get_file (sqlite3_file *file)
{
  return ((FailFile *) file)->file;
}

static int
fail_close (sqlite3_file *file)
{
  /* Never fails: the system lets go of it, whatever it says. */
  return get_file (file)->pMethods != NULL ? get_file (file)->pMethods->xClose (get_file (file)) : SQLITE_OK;
}

static int
fail_read (sqlite3_file *file, void *data, int n, sqlite3_int64 offset)
{
  return fails () ? SQLITE_IOERR_READ : get_file (file)->pMethods->xRead (get_file (file), data, n, offset);
}

static int
fail_write (sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
  return fails () ? SQLITE_IOERR_WRITE : get_file (file)->pMethods->xWrite (get_file (file), data, n, offset);
}

static int
fail_truncate (sqlite3_file *file, sqlite3_int64 size)
{
  return fails () ? SQLITE_IOERR_TRUNCATE : get_file (file)->pMethods->xTruncate (get_file (file), size);
}

static int
fail_sync (sqlite3_file *file, int flags)
{
  return fails () ? SQLITE_IOERR_FSYNC : get_file (file)->pMethods->xSync (get_file (file), flags);
}

static int
fail_file_size (sqlite3_file *file, sqlite3_int64 *size)
{
  return fails () ? SQLITE_IOERR_FSTAT : get_file (file)->pMethods->xFileSize (get_file (file), size);
}

static int
fail_lock (sqlite3_file *file, int level)
{
  return fails () ? SQLITE_IOERR_LOCK : get_file (file)->pMethods->xLock (get_file (file), level);
}

static int
fail_unlock (sqlite3_file *file, int level)
{
  return get_file (file)->pMethods->xUnlock (get_file (file), level);
}

static int
fail_check_reserved (sqlite3_file *file, int *out)
{
  return get_file (file)->pMethods->xCheckReservedLock (get_file (file), out);
}

static int
fail_file_control (sqlite3_file *file, int op, void *data)
{
  return get_file (file)->pMethods->xFileControl (get_file (file), op, data);
}

static int
fail_sector_size (sqlite3_file *file)
{
  return get_file (file)->pMethods->xSectorSize (get_file (file));
}

static int
fail_characteristics (sqlite3_file *file)
{
  return get_file (file)->pMethods->xDeviceCharacteristics (get_file (file));
}

static int
fail_shm_map (sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
  return fails () ? SQLITE_IOERR_SHMMAP : get_file (file)->pMethods->xShmMap (get_file (file), page, size, extend, out);
}

static int
fail_shm_lock (sqlite3_file *file, int offset, int n, int flags)
{
  int pause = g_atomic_int_get (&delay);

  if (pause > 0)
    g_usleep ((gulong) pause);
  return get_file (file)->pMethods->xShmLock (get_file (file), offset, n, flags);
}

static void
fail_shm_barrier (sqlite3_file *file)
{
  get_file (file)->pMethods->xShmBarrier (get_file (file));
}

static int
fail_shm_unmap (sqlite3_file *file, int remove)
{
  return get_file (file)->pMethods->xShmUnmap (get_file (file), remove);
}

static const sqlite3_io_methods methods = {
  .iVersion = 2,
  .xClose = fail_close,
  .xRead = fail_read,
  .xWrite = fail_write,
  .xTruncate = fail_truncate,
  .xSync = fail_sync,
  .xFileSize = fail_file_size,
  .xLock = fail_lock,
  .xUnlock = fail_unlock,
  .xCheckReservedLock = fail_check_reserved,
  .xFileControl = fail_file_control,
  .xSectorSize = fail_sector_size,
  .xDeviceCharacteristics = fail_characteristics,
  .xShmMap = fail_shm_map,
  .xShmLock = fail_shm_lock,
  .xShmBarrier = fail_shm_barrier,
  .xShmUnmap = fail_shm_unmap,
};

static int
fail_open (sqlite3_vfs *self, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
  FailFile *fail = (FailFile *) file;
  int code;

  fail->base.pMethods = NULL;
  fail->file = (sqlite3_file *) (fail + 1);
  if (fails ())
    return SQLITE_CANTOPEN;
  if ((code = real->xOpen (real, name, fail->file, flags, out)) == SQLITE_OK)
    fail->base.pMethods = &methods;
  return code;
}

static int
fail_delete (sqlite3_vfs *self, const char *name, int sync_folder)
{
  return fails () ? SQLITE_IOERR_DELETE : real->xDelete (real, name, sync_folder);
}

void
fail_vfs_install (void)
{
  real = sqlite3_vfs_find (NULL);
  vfs = *real;
  vfs.zName = "fail";
  vfs.szOsFile += (int) sizeof (FailFile);
  vfs.xOpen = fail_open;
  vfs.xDelete = fail_delete;
  g_assert_cmpint (sqlite3_vfs_register (&vfs, 1), ==, SQLITE_OK);
}

void
fail_vfs_arm (int      nth,
              gboolean lasting_)
{
  g_atomic_int_set (&calls, 0);
  g_atomic_int_set (&lasting, lasting_);
  g_atomic_int_set (&armed, nth);
}

int
fail_vfs_disarm (void)
{
  g_atomic_int_set (&armed, 0);
  return g_atomic_int_get (&calls);
}

void
fail_vfs_delay (int microseconds)
{
  g_atomic_int_set (&delay, microseconds);
}
