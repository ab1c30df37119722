/* SPDX-License-Identifier: MIT */
/* Placeholder until the host is there. */
#include <stdio.h>

int main(void)
{
    puts("stoa: nothing here yet");
    return 0;
}
