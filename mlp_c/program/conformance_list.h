// conformance_list.h: what this program can be asked for. In `real`: compiled three times, as are the kernels.
#include "../real.h"
#include "failure.h"
#include "conformance.h"

#ifdef NNZ_FLOAT64
#define REAL FLOAT64
#else
#define REAL FLOAT32
#endif

static const real *in(Case *c, const char *name, const char *shape) { return case_in(c, name, shape, REAL); }
static real *out(Case *c, const char *name, const char *shape) { return case_out(c, name, shape, REAL); }

// An array that a function updates: the response gets it as a copy, which is then written to.
static real *update(Case *c, const char *name, const char *shape) {
    return case_copy(c, name, shape, REAL, in(c, name, shape));
}

#include "conformance_ops.h"
#include "conformance_mlp.h"
#include "conformance_use.h"

#define FUNCTION(name) {#name, run_##name}

const Function NAME(FUNCTIONS)[] = {
    FUNCTION(embedding_forward),
    FUNCTION(embedding_backward),
    FUNCTION(linear_forward),
    FUNCTION(linear_backward),
    FUNCTION(tanh_forward),
    FUNCTION(tanh_backward),
    FUNCTION(batch_norm_forward),
    FUNCTION(batch_norm_backward),
    FUNCTION(cross_entropy_forward),
    FUNCTION(cross_entropy_backward),
    FUNCTION(sgd_step),
    FUNCTION(adamw_step),
    FUNCTION(initial_weights),
    FUNCTION(mlp),
    FUNCTION(training),
    FUNCTION(sampling),
    FUNCTION(checkpoint),
    {NULL, NULL},
};
