#include "sink.h"

const struct relay_sink *const relay_sinks[] = {
    &relay_sink_output,
    &relay_sink_file,
#ifdef CARTD_HAS_HIREDIS
    &relay_sink_redis,
#endif
#ifdef CARTD_HAS_NATS
    &relay_sink_nats,
#endif
    NULL,
};
