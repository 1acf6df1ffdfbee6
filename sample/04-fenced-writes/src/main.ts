import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.createApplicationContext(AppModule);
// On SIGTERM the leader finishes its task, hands leadership over and ends.
app.enableShutdownHooks();
