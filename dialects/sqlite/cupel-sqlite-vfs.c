/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-vfs.h"

#include <sqlite3.h>

#define VFS_NAME "cupel"

/* Of a thread: 0 or not there: it may wait; else the g_get_monotonic_time () at which it has to be done. (No __thread: the leak sanitizer
 * crashes on that of a module.) */
static GPrivate here = G_PRIVATE_INIT (g_free);

void
cupel_sqlite_vfs_begin_here (gint64 time_limit)
{
  gint64 *until = g_private_get (&here);

  if (until == NULL)
    g_private_set (&here, until = g_new (gint64, 1));
  *until = g_get_monotonic_time () + time_limit;
}

void
cupel_sqlite_vfs_end_here (void)
{
  gint64 *until = g_private_get (&here);

  *until = 0;
}

gboolean
cupel_sqlite_vfs_is_here (void)
{
  const gint64 *until = g_private_get (&here);

  return until != NULL && *until != 0;
}

gboolean
cupel_sqlite_vfs_is_late (void)
{
  const gint64 *until = g_private_get (&here);

  return until != NULL && *until != 0 && g_get_monotonic_time () >= *until;
}

/* A file of the wrapped VFS follows its shim. */
typedef struct
{
  sqlite3_file base;
  int          n_regions;   /* of shared memory that are mapped */
} ShimFile;

static sqlite3_vfs shim;
static sqlite3_vfs *wrapped;

static inline sqlite3_file *
real (sqlite3_file *file)
{
  return (sqlite3_file *) ((ShimFile *) file + 1);
}

#define REFUSE_HERE             \
  G_STMT_START {                \
    if (cupel_sqlite_vfs_is_here ()) \
      return SQLITE_INTERRUPT;  \
  } G_STMT_END

static int
shim_close (sqlite3_file *file)
{
  return real (file)->pMethods->xClose (real (file));
}

static int
shim_read (sqlite3_file  *file,
           void          *buffer,
           int            n,
           sqlite3_int64  offset)
{
  REFUSE_HERE;
  return real (file)->pMethods->xRead (real (file), buffer, n, offset);
}

static int
shim_write (sqlite3_file  *file,
            const void    *buffer,
            int            n,
            sqlite3_int64  offset)
{
  REFUSE_HERE;
  return real (file)->pMethods->xWrite (real (file), buffer, n, offset);
}

static int
shim_truncate (sqlite3_file  *file,
               sqlite3_int64  size)
{
  REFUSE_HERE;
  return real (file)->pMethods->xTruncate (real (file), size);
}

static int
shim_sync (sqlite3_file *file,
           int           flags)
{
  REFUSE_HERE;
  return real (file)->pMethods->xSync (real (file), flags);
}

static int
shim_file_size (sqlite3_file  *file,
                sqlite3_int64 *size)
{
  return real (file)->pMethods->xFileSize (real (file), size);
}

static int
shim_lock (sqlite3_file *file,
           int           level)
{
  REFUSE_HERE;
  return real (file)->pMethods->xLock (real (file), level);
}

static int
shim_unlock (sqlite3_file *file,
             int           level)
{
  return real (file)->pMethods->xUnlock (real (file), level);
}

static int
shim_check_reserved_lock (sqlite3_file *file,
                          int          *result)
{
  REFUSE_HERE;
  return real (file)->pMethods->xCheckReservedLock (real (file), result);
}

static int
shim_file_control (sqlite3_file *file,
                   int           operation,
                   void         *argument)
{
  return real (file)->pMethods->xFileControl (real (file), operation, argument);
}

static int
shim_sector_size (sqlite3_file *file)
{
  return real (file)->pMethods->xSectorSize (real (file));
}

static int
shim_device_characteristics (sqlite3_file *file)
{
  return real (file)->pMethods->xDeviceCharacteristics (real (file));
}

/* What is mapped is memory; mapping more may make the file grow. */
static int
shim_shm_map (sqlite3_file   *file,
              int             region,
              int             size,
              int             extend,
              void volatile **pointer)
{
  ShimFile *self = (ShimFile *) file;
  int code;

  if (cupel_sqlite_vfs_is_here () && region >= self->n_regions)
    return SQLITE_INTERRUPT;
  code = real (file)->pMethods->xShmMap (real (file), region, size, extend, pointer);
  if (code == SQLITE_OK && *pointer != NULL)
    self->n_regions = MAX (self->n_regions, region + 1);
  return code;
}

/* Never waits: a lock that is taken is SQLITE_BUSY. */
static int
shim_shm_lock (sqlite3_file *file,
               int           offset,
               int           n,
               int           flags)
{
  return real (file)->pMethods->xShmLock (real (file), offset, n, flags);
}

static void
shim_shm_barrier (sqlite3_file *file)
{
  real (file)->pMethods->xShmBarrier (real (file));
}

static int
shim_shm_unmap (sqlite3_file *file,
                int           delete)
{
  ((ShimFile *) file)->n_regions = 0;
  return real (file)->pMethods->xShmUnmap (real (file), delete);
}

/* A mapped page may have to be read by the kernel: it is asked for as a read instead, and refused. */
static int
shim_fetch (sqlite3_file   *file,
            sqlite3_int64   offset,
            int             n,
            void          **pointer)
{
  if (cupel_sqlite_vfs_is_here ())
    {
      *pointer = NULL;
      return SQLITE_OK;
    }
  return real (file)->pMethods->xFetch (real (file), offset, n, pointer);
}

static int
shim_unfetch (sqlite3_file  *file,
              sqlite3_int64  offset,
              void          *pointer)
{
  return real (file)->pMethods->xUnfetch (real (file), offset, pointer);
}

#define METHODS(version)                                                                                        \
  {                                                                                                             \
    version, shim_close, shim_read, shim_write, shim_truncate, shim_sync, shim_file_size, shim_lock,            \
    shim_unlock, shim_check_reserved_lock, shim_file_control, shim_sector_size, shim_device_characteristics,    \
    shim_shm_map, shim_shm_lock, shim_shm_barrier, shim_shm_unmap, shim_fetch, shim_unfetch                     \
  }

static const sqlite3_io_methods methods[] = { METHODS (1), METHODS (2), METHODS (3) };

static int
shim_open (sqlite3_vfs  *vfs,
           const char   *name,
           sqlite3_file *file,
           int           flags,
           int          *out_flags)
{
  ShimFile *self = (ShimFile *) file;
  int code;

  self->base.pMethods = NULL;
  self->n_regions = 0;
  REFUSE_HERE;
  code = wrapped->xOpen (wrapped, name, real (file), flags, out_flags);
  /* Even after a failure there may be something to close. */
  if (real (file)->pMethods != NULL)
    self->base.pMethods = &methods[CLAMP (real (file)->pMethods->iVersion, 1, 3) - 1];
  return code;
}

static int
shim_delete (sqlite3_vfs *vfs,
             const char  *name,
             int          sync)
{
  REFUSE_HERE;
  return wrapped->xDelete (wrapped, name, sync);
}

static int
shim_access (sqlite3_vfs *vfs,
             const char  *name,
             int          flags,
             int         *result)
{
  REFUSE_HERE;
  return wrapped->xAccess (wrapped, name, flags, result);
}

static int
shim_full_pathname (sqlite3_vfs *vfs,
                    const char  *name,
                    int          n,
                    char        *path)
{
  return wrapped->xFullPathname (wrapped, name, n, path);
}

static int
shim_randomness (sqlite3_vfs *vfs,
                 int          n,
                 char        *bytes)
{
  return wrapped->xRandomness (wrapped, n, bytes);
}

static int
shim_sleep (sqlite3_vfs *vfs,
            int          microseconds)
{
  return cupel_sqlite_vfs_is_here () ? 0 : wrapped->xSleep (wrapped, microseconds);
}

static int
shim_current_time (sqlite3_vfs *vfs,
                   double      *time)
{
  return wrapped->xCurrentTime (wrapped, time);
}

static int
shim_get_last_error (sqlite3_vfs *vfs,
                     int          n,
                     char        *text)
{
  return wrapped->xGetLastError != NULL ? wrapped->xGetLastError (wrapped, n, text) : 0;
}

static int
shim_current_time_int64 (sqlite3_vfs   *vfs,
                         sqlite3_int64 *time)
{
  return wrapped->xCurrentTimeInt64 (wrapped, time);
}

static gboolean
register_shim (void)
{
  wrapped = sqlite3_vfs_find (NULL);
  if (wrapped == NULL || wrapped->iVersion < 2)
    return FALSE;

  /* No loading of extensions: there are no xDl... */
  shim = (sqlite3_vfs) {
    .iVersion = 2,
    .szOsFile = (int) sizeof (ShimFile) + wrapped->szOsFile,
    .mxPathname = wrapped->mxPathname,
    .zName = VFS_NAME,
    .xOpen = shim_open,
    .xDelete = shim_delete,
    .xAccess = shim_access,
    .xFullPathname = shim_full_pathname,
    .xRandomness = shim_randomness,
    .xSleep = shim_sleep,
    .xCurrentTime = shim_current_time,
    .xGetLastError = shim_get_last_error,
    .xCurrentTimeInt64 = shim_current_time_int64,
  };
  return sqlite3_vfs_register (&shim, 0) == SQLITE_OK;
}

const char *
cupel_sqlite_vfs_get_name (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, register_shim () ? 1 : 2);

  /* Another default since then, a program's own: it is used as it is. */
  return once == 1 && sqlite3_vfs_find (NULL) == wrapped ? VFS_NAME : NULL;
}
