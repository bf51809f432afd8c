// stop.h: Ctrl-C and SIGTERM, taken between two steps instead of in the middle of one.
#ifndef NNZ_STOP_H
#define NNZ_STOP_H

#include <stdbool.h>

// From now on the first signal only asks; the second ends the program at once.
void stop_listen(void);
bool stop_asked(void);

#endif
