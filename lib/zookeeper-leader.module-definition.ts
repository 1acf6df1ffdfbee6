import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ZookeeperLeaderModuleOptions } from './interfaces/zookeeper-leader-options.interface.js';
import { ZOOKEEPER_LEADER_OPTIONS } from './zookeeper-leader.constants.js';

/** What the class of `useClass` and `useExisting` has to have. */
export const OPTIONS_FACTORY_METHOD = 'createZookeeperLeaderOptions';

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ZookeeperLeaderModuleOptions>({
    optionsInjectionToken: ZOOKEEPER_LEADER_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName(OPTIONS_FACTORY_METHOD)
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({
      ...definition,
      global: isGlobal,
    }))
    .build();
