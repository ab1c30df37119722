/* SPDX-License-Identifier: MIT */
/* Functions that have no place here (STYLE 12). Include it last: headers after it may not name them either. */
#pragma once

#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef strtok
#undef alloca
#pragma GCC poison sprintf vsprintf strcpy strcat strtok atoi atol atof rand srand alloca gets \
    tmpnam
