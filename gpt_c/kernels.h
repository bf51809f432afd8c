// kernels.h: the GPT's operations and the model of one kernel set, after those that it shares with the MLP.
#ifndef NNZ_GPT_KERNELS_H
#define NNZ_GPT_KERNELS_H

#include "../mlp_c/kernels.h"

#define layer_norm_forward NAME(layer_norm_forward)
#define layer_norm_backward NAME(layer_norm_backward)
#define rms_norm_forward NAME(rms_norm_forward)
#define rms_norm_backward NAME(rms_norm_backward)
#define relu_forward NAME(relu_forward)
#define relu_backward NAME(relu_backward)
#define gelu_forward NAME(gelu_forward)
#define gelu_backward NAME(gelu_backward)
#define attention_forward NAME(attention_forward)
#define attention_backward NAME(attention_backward)
#define dropout_mask NAME(dropout_mask)
#define dropout_forward NAME(dropout_forward)
#define dropout_backward NAME(dropout_backward)
#define square_sum NAME(square_sum)
#define clip_step NAME(clip_step)

#define gpt_block_sizes NAME(gpt_block_sizes)

#define GPT NAME(GPT)
#define GPTConfig NAME(GPTConfig)
#define gpt_parameter_size NAME(gpt_parameter_size)
#define gpt_is_matrix NAME(gpt_is_matrix)
#define gpt_parameter_count NAME(gpt_parameter_count)
#define gpt_draw_parameters NAME(gpt_draw_parameters)
#define gpt_new NAME(gpt_new)
#define gpt_free NAME(gpt_free)
#define gpt_forward NAME(gpt_forward)
#define gpt_backward NAME(gpt_backward)
#define gpt_cache_size NAME(gpt_cache_size)
#define gpt_append NAME(gpt_append)
#define gpt_backward_to_block NAME(gpt_backward_to_block)
#define gpt_tensor NAME(gpt_tensor)

#include "ops/ops.h"
#include "gpt.h"

#endif
