// race.c: two threads write to one model's activations. ThreadSanitizer must report it, or it is not at work.
#include <pthread.h>

#include "../../../mlp_c/kernels.h"

static real parameters[2 * 2 + 2 * 2 + 2 + 2 * 2 + 2], logits[2][2];
static MLP *model;

static void *forward(void *argument) {
    const int32_t inputs[] = {1};
    mlp_forward(model, argument, NULL, inputs, NULL, 1);
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    model = mlp_new(parameters, 2, 1, 2, 2);
    forward(logits[0]);
    for (int i = 0; i < 2; i++) { pthread_create(threads + i, NULL, forward, logits[i]); }
    for (int i = 0; i < 2; i++) { pthread_join(threads[i], NULL); }
    mlp_free(model);
}
