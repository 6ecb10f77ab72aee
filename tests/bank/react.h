/*
 * react: runs the reactions of the tests, and nothing else, by a clock that it is given. Lines of
 * standard input are new times; at its end it stops and prints its metrics.
 */
#ifndef CARTD_TESTS_REACT_H
#define CARTD_TESTS_REACT_H

int react(const char *url, const char *clock);

#endif
