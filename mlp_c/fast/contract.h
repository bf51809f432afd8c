// contract.h: from where this is included on, a multiply-add may round once instead of twice, where the CPU has it so.
// The compiler is told otherwise (-ffp-contract=off), so that whoever does not ask for it gets each operation as it is
// written.
#if defined(__clang__)
#pragma clang fp contract(fast)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=fast")
#endif
