#include "base.h"

#include <stdio.h>
#include <stdlib.h>

unsigned base_move(const struct base_state *states, unsigned from, unsigned to)
{
    if ((states[from].moves & BASE_TO(to)) == 0) {
        (void)fprintf(stderr, "cartd: no move from %s to %s\n", states[from].name, states[to].name);
        abort();
    }
    return to;
}
