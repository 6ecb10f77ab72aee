#include "reactions.h"

/* By itself in a file, so that a test may link a list of its own. */
const struct reaction *const reactions[] = {&reactions_ends, NULL};
