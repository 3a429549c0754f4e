#include <stdio.h>

int main(void) {
    puts("Hello from a pinned, reproducible image.");
    return 0;
}
