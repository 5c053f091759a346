#include "bench/lab.h"

#include <errno.h>  /* errno */
#include <modbus.h> /* modbus_new_tcp */
#include <stdio.h>  /* fprintf */
#include <stdlib.h> /* calloc, exit */

struct lab {
        modbus_t *valves, *plant, *slow; /* slow: where the slow device answers, or NULL */
        int64_t slow_us;                 /* when the slow device is read next */
};

static modbus_t *dial(int port)
{
        modbus_t *bus = modbus_new_tcp("127.0.0.1", port);

        if (bus != NULL && modbus_connect(bus) == 0)
                return bus;
        fprintf(stderr, "connect: %s\n", modbus_strerror(errno));
        exit(1);
}

/* A failed call is counted, and its connection made anew. */
static void note(modbus_t *bus, int result)
{
        if (result >= 0)
                return;
        loop_error();
        modbus_close(bus);
        (void)modbus_connect(bus);
}

struct lab *lab_connect(const struct loop *loop)
{
        struct lab *lab = calloc(1, sizeof *lab);

        if (lab == NULL)
                exit(1);
        lab->valves = dial(loop->valves_port);
        lab->plant = dial(loop->plant_port);
        if (loop->slow == LOOP_SLOW_SAME)
                lab->slow = lab->valves;
        if (loop->slow == LOOP_SLOW_OTHER)
                lab->slow = dial(loop->slow_port);
        return lab;
}

void lab_drive(struct lab *lab, int on)
{
        modbus_set_slave(lab->valves, LOOP_UNIT_VALVES);
        note(lab->valves, modbus_write_bit(lab->valves, LOOP_COIL, on));
}

void lab_poll(struct lab *lab)
{
        uint16_t words[2];

        modbus_set_slave(lab->plant, LOOP_UNIT_PLANT);
        note(lab->plant, modbus_read_input_registers(lab->plant, 0, 2, words));
        if (lab->slow == NULL || loop_now_us() < lab->slow_us)
                return;
        lab->slow_us = loop_now_us() + LOOP_SLOW_US;
        modbus_set_slave(lab->slow, LOOP_UNIT_SLOW);
        note(lab->slow, modbus_read_input_registers(lab->slow, 0, 1, words));
}
