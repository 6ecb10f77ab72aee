#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

/* One job at a time goes to the thread, and what became of it comes back by way of the loop. */
struct worker {
    struct loop *loop;
    const struct relay_sink *sink;
    void *link;
    void (*answered)(struct worker *worker, void *context);
    void *context;
    struct loop_watch watch;
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    bool has_job;
    bool is_ending;
    /* Whose turn it is says who may touch it. */
    const struct relay_event *events;
    size_t n_events;
    struct worker_answer answer;
};

static void *work(void *context)
{
    struct worker *self = context;
    (void)pthread_mutex_lock(&self->lock);
    for (;;) {
        while (!self->has_job && !self->is_ending)
            (void)pthread_cond_wait(&self->changed, &self->lock);
        if (!self->has_job)
            break;
        (void)pthread_mutex_unlock(&self->lock);
        self->answer = (struct worker_answer){.n_taken = 0};
        self->answer.n_taken =
            self->sink->send(self->link, self->events, self->n_events, self->answer.problem);
        (void)pthread_mutex_lock(&self->lock);
        self->has_job = false;
        (void)eventfd_write(self->fd, 1);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void answered(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    struct worker *self = BASE_CONTAINER(watch, struct worker, watch);
    eventfd_t n = 0;
    (void)eventfd_read(self->fd, &n);
    /* The thread has let go of the job when it says so. */
    (void)pthread_mutex_lock(&self->lock);
    (void)pthread_mutex_unlock(&self->lock);
    self->answered(self, self->context);
}

struct worker *worker_create(
    struct loop *loop, const struct relay_sink *sink, void *link,
    void (*received)(struct worker *worker, void *context), void *context)
{
    struct worker *self = base_alloc(sizeof *self);
    self->loop = loop;
    self->sink = sink;
    self->link = link;
    self->answered = received;
    self->context = context;
    self->watch.ready = answered;
    self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->changed, NULL);
    if (self->fd < 0 || pthread_create(&self->thread, NULL, work, self) != 0)
        base_end_without_memory();
    loop_start_watch(loop, &self->watch, self->fd, EPOLLIN);
    return self;
}

void worker_send(struct worker *self, const struct relay_event *events, size_t n)
{
    (void)pthread_mutex_lock(&self->lock);
    self->events = events;
    self->n_events = n;
    self->has_job = true;
    (void)pthread_cond_signal(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
}

const struct worker_answer *worker_find_answer(const struct worker *self)
{
    return &self->answer;
}

void worker_destroy(struct worker *self)
{
    loop_stop_watch(self->loop, &self->watch);
    (void)pthread_mutex_lock(&self->lock);
    self->is_ending = true;
    (void)pthread_cond_signal(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    (void)pthread_join(self->thread, NULL);
    self->sink->close(self->link);
    (void)pthread_cond_destroy(&self->changed);
    (void)pthread_mutex_destroy(&self->lock);
    (void)close(self->fd);
    free(self);
}
