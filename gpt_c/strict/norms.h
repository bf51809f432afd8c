// norms.h: the backward of both norms: without a mean it is that of rms_norm.
#ifndef NNZ_NORMS_H
#define NNZ_NORMS_H

#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/threads.h"
#include "../../mlp_c/strict/sums.h"

enum { NORM_ROWS = 16, NORM_COLUMNS = 64 };  // that one thread takes at a time

typedef struct {
    real *dx, *dweight, *dbias;
    const real *dy, *x, *mean, *rstd, *weight;
    size_t B, E;
} Norm;

static inline real xhat_of(const Norm *n, size_t i, size_t e) {
    return (n->mean ? n->x[i * n->E + e] - n->mean[i] : n->x[i * n->E + e]) * n->rstd[i];
}

static inline real dxhat_of(const Norm *n, size_t i, size_t e) {
    return n->weight ? n->dy[i * n->E + e] * n->weight[e] : n->dy[i * n->E + e];
}

// The sums of dxhat and of dxhat xhat along row i, exactly
static void exact_row(const Norm *n, size_t i, real *of_dxhat, real *of_both) {
    Exact sum = {0}, both = {0};
    for (size_t e = 0; e < n->E; e++) {
        exact_add(&sum, (double)dxhat_of(n, i, e));
        exact_add(&both, (double)dxhat_of(n, i, e) * (double)xhat_of(n, i, e));
    }
    *of_dxhat = exact_nearest(&sum), *of_both = exact_nearest(&both);
}

DISPATCH
static void norm_rows_backward(const void *of, size_t block) {
    const Norm n = *(const Norm *)of;
    const size_t E = n.E, first = block * NORM_ROWS, last = first + min_size(NORM_ROWS, n.B - first);
    for (size_t i = first; i < last; i++) {
        double sum = 0, size = 0, both = 0, both_size = 0;
#pragma omp simd reduction(+ : sum, size, both, both_size)
        for (size_t e = 0; e < E; e++) {
            const double dxhat = (double)dxhat_of(&n, i, e), product = dxhat * (double)xhat_of(&n, i, e);
            sum += dxhat, size += fabs(dxhat), both += product, both_size += fabs(product);
        }
        real of_dxhat, of_both;
        const bool certain = is_certain(sum, size, E, &of_dxhat) & is_certain(both, both_size, E, &of_both);
        tally_add(2, certain ? 0 : 2);
        if (!certain) {
            exact_row(&n, i, &of_dxhat, &of_both);
        }
        of_dxhat /= (real)E, of_both /= (real)E;
        for (size_t e = 0; e < E; e++) {
            const real xhat = xhat_of(&n, i, e), dxhat = dxhat_of(&n, i, e);
            const real centred = n.mean ? dxhat - of_dxhat : dxhat;
            n.dx[i * E + e] += n.rstd[i] * (centred - xhat * of_both);
        }
    }
}

static void exact_column(const Norm *n, size_t e, real *of_dy, real *of_both) {
    Exact sum = {0}, both = {0};
    for (size_t i = 0; i < n->B; i++) {
        exact_add(&sum, (double)n->dy[i * n->E + e]);
        exact_add(&both, (double)n->dy[i * n->E + e] * (double)xhat_of(n, i, e));
    }
    *of_dy = exact_nearest(&sum), *of_both = exact_nearest(&both);
}

DISPATCH
static void norm_columns_backward(const void *of, size_t block) {
    const Norm n = *(const Norm *)of;
    const size_t E = n.E, first = block * NORM_COLUMNS, width = min_size(NORM_COLUMNS, E - first);
    double sum[NORM_COLUMNS] = {0}, size[NORM_COLUMNS] = {0};
    double both[NORM_COLUMNS] = {0}, both_size[NORM_COLUMNS] = {0};
    for (size_t i = 0; i < n.B; i++) {
        for (size_t j = 0; j < width; j++) {
            const double dy = (double)n.dy[i * E + first + j], product = dy * (double)xhat_of(&n, i, first + j);
            sum[j] += dy, size[j] += fabs(dy), both[j] += product, both_size[j] += fabs(product);
        }
    }
    for (size_t j = 0; j < width; j++) {
        real of_dy, of_both;
        const bool certain =
            is_certain(sum[j], size[j], n.B, &of_dy) & is_certain(both[j], both_size[j], n.B, &of_both);
        tally_add(2, certain ? 0 : 2);
        if (!certain) {
            exact_column(&n, first + j, &of_dy, &of_both);
        }
        n.dweight[first + j] += of_both;
        if (n.dbias) {
            n.dbias[first + j] += of_dy;
        }
    }
}

static void norm_parts_backward(const Norm *n) {
    in_parallel(norm_rows_backward, n, (n->B + NORM_ROWS - 1) / NORM_ROWS, 16 * n->B * n->E);
    if (n->dweight) {
        in_parallel(norm_columns_backward, n, (n->E + NORM_COLUMNS - 1) / NORM_COLUMNS, 16 * n->B * n->E);
    }
}

#endif
