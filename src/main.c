#include "cli.h"

int main(int n_arguments, char **arguments, char **environment)
{
    return cli_main(n_arguments, arguments, environment);
}
