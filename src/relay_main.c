#include "relay.h"

int main(int n_arguments, char **arguments, char **environment)
{
    return relay_main(n_arguments, arguments, environment);
}
