/*
 * Preloaded into a ZooKeeper server: fsync() and fdatasync() take as many
 * milliseconds as the file SLOW_DISK_FILE says, and do nothing else. Data that
 * survive the process are all that the tests need.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int sync_slowly(void) {
  const char *name = getenv("SLOW_DISK_FILE");
  FILE *file = name ? fopen(name, "r") : NULL;
  int milliseconds = 0;
  if (file) {
    if (fscanf(file, "%d", &milliseconds) != 1) {
      milliseconds = 0;
    }
    fclose(file);
  }
  if (milliseconds > 0) {
    usleep((useconds_t)milliseconds * 1000);
  }
  return 0;
}

int fsync(int descriptor) {
  (void)descriptor;
  return sync_slowly();
}

int fdatasync(int descriptor) {
  (void)descriptor;
  return sync_slowly();
}
